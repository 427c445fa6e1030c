"""Synthesis of the kernel, out of context: LUTs, registers, carry cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from da4ml_flow.config.model import BuildConfig
from da4ml_flow.eda.parsers.yosys_stat import Resources
from da4ml_flow.results.metrics import Metric, ToolVersion, measure
from da4ml_flow.stages.base import StageContext, StageOutcome
from da4ml_flow.stages.cost import cost_metrics
from da4ml_flow.stages.vendor import VENDOR_TOOLS, run_vendor_tool, vendor_settings, vendor_tools


class Synthesize:
    """Makes ``synthesis_report`` (cell counts as JSON), ``netlist`` and ``synthesis_log``.

    A vendor's tool makes all its reports.
    """

    name = 'synthesize'
    inputs = ('rtl',)
    replaces: tuple[str, ...] = ()

    def settings(self, config: BuildConfig) -> Mapping[str, Any] | None:
        section = config.synthesize
        if section is None:
            return None
        if section.tool in VENDOR_TOOLS:
            return vendor_settings(config, section)
        return {'tool': section.tool, 'family': section.family}

    def tools(self, config: BuildConfig) -> tuple[ToolVersion, ...]:
        from da4ml_flow.eda import fusesoc, tools

        if config.synthesize is not None and config.synthesize.tool in VENDOR_TOOLS:
            return vendor_tools(config.synthesize)
        yosys, *_ = tools.find_all(tools.SYNTHESIZE)
        front_end = tools.find_all(tools.FRONT_ENDS[config.rtl.language])
        return (yosys.record, *(tool.record for tool in front_end), *fusesoc.libraries())

    def run(self, context: StageContext) -> StageOutcome:
        from da4ml_flow.eda.backends import yosys

        section = context.config.synthesize
        if section is None:
            return StageOutcome()
        if section.tool in VENDOR_TOOLS:
            return run_vendor_tool(self.name, context, section)
        context.report(f'yosys for {section.family}')
        done = yosys.synthesize(
            context.artifacts['rtl'], section.family, context.directory / 'yosys', timeout_s=section.timeout_s
        )
        labels = {'stage': self.name, 'tool': section.tool, 'part': section.family}
        metrics = (
            *resource_metrics(done.resources, **labels),
            measure('synth_s', round(done.wall_s, 3), **labels),
            *cost_metrics(context.directory / 'yosys', stage=self.name, part=section.family),
        )
        artifacts = {'synthesis_report': done.report, 'netlist': done.netlist, 'synthesis_log': done.log}
        return StageOutcome(artifacts, metrics, self.tools(context.config))


def resource_metrics(resources: Resources, *, stage: str, tool: str, part: str) -> tuple[Metric, ...]:
    """The metrics of a resource count."""
    values = {**resources._asdict(), 'luts': resources.luts}
    return tuple(measure(name, value, stage=stage, tool=tool, part=part) for name, value in values.items())
