"""From C++ to a hardware description, by a vendor's high-level synthesis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from da4ml_flow.config.model import BuildConfig
from da4ml_flow.results.metrics import ToolVersion, measure
from da4ml_flow.stages.base import StageContext, StageOutcome
from da4ml_flow.stages.cost import cost_metrics


class Hls:
    """Makes ``rtl`` of the C++ that had this name: Verilog as a core; and ``hls_report``, ``hls_log``.

    The C++ is simulated first: a sample whose result is not the interpreter's is an error. The figures are estimates.
    """

    name = 'hls'
    inputs = ('rtl',)
    replaces = ('rtl',)

    def settings(self, config: BuildConfig) -> Mapping[str, Any] | None:
        section = config.hls
        if section is None:
            return None
        return {'tool': section.tool, 'part': section.part, 'clock_ns': config.rtl.clock_ns}

    def tools(self, config: BuildConfig) -> tuple[ToolVersion, ...]:
        from da4ml_flow.eda import fusesoc, tools

        tool, *_ = tools.find_all(tools.VITIS)
        return (tool.record, *fusesoc.libraries())

    def run(self, context: StageContext) -> StageOutcome:
        from da4ml_flow.eda.backends import vitis

        section = context.config.hls
        if section is None:
            return StageOutcome()
        clock_ns = context.config.rtl.clock_ns
        context.report(f'Vitis HLS for {section.part} at {clock_ns:g} ns')
        directory = context.directory / section.tool
        done, hardware = vitis.synthesize(
            context.artifacts['rtl'],
            section.part,
            directory,
            clock_ns=clock_ns,
            timeout_s=section.timeout_s,
            earlier=None if context.earlier is None else context.earlier / section.tool,
        )
        figures = {**done.figures, 'synth_s': round(done.wall_s, 3)}
        labels = {'stage': self.name, 'tool': section.tool, 'part': section.part}
        metrics = tuple(measure(name, value, **labels) for name, value in figures.items())
        metrics += cost_metrics(directory, stage=self.name, part=section.part)
        (report,), (log,) = done.reports, done.logs
        artifacts = {'rtl': hardware, 'hls_report': report, 'hls_log': log}
        return StageOutcome(artifacts, metrics, self.tools(context.config))
