"""Place and route: the clock frequency that the kernel reaches on a real device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from da4ml_flow.config.model import BuildConfig
from da4ml_flow.results.metrics import ToolVersion, measure
from da4ml_flow.stages.base import StageContext, StageOutcome
from da4ml_flow.stages.cost import cost_metrics
from da4ml_flow.stages.synthesize import resource_metrics
from da4ml_flow.stages.vendor import VENDOR_TOOLS, run_vendor_tool, vendor_settings, vendor_tools


class Implement:
    """Makes ``implement_log_<seed>`` and the reports behind its figures.

    Fmax is the median over the seeds; with a ``clock_ns`` a median that is too slow is the answer no. It is measured
    between registers around the kernel on the device chosen, and says nothing about the device of ``synthesize``.
    A vendor's tool times the kernel itself, with its ports at no delay, and leaves all its reports.
    """

    name = 'implement'
    inputs = ('rtl',)
    replaces: tuple[str, ...] = ()

    def settings(self, config: BuildConfig) -> Mapping[str, Any] | None:
        section = config.implement
        if section is None:
            return None
        if section.tool in VENDOR_TOOLS:
            return vendor_settings(config, section)
        return section.model_dump(mode='json', include={'tool', 'device', 'seeds', 'clock_ns'})

    def tools(self, config: BuildConfig) -> tuple[ToolVersion, ...]:
        from da4ml_flow.eda import fusesoc, tools

        if config.implement is not None and config.implement.tool in VENDOR_TOOLS:
            return vendor_tools(config.implement)
        device = '' if config.implement is None else config.implement.device
        yosys, nextpnr, *_ = tools.find_all(tools.implementing(device))
        front_end = tools.find_all(tools.FRONT_ENDS[config.rtl.language])
        return (yosys.record, nextpnr.record, *(tool.record for tool in front_end), *fusesoc.libraries())

    def run(self, context: StageContext) -> StageOutcome:
        from da4ml_flow.eda.backends import nextpnr

        section = context.config.implement
        if section is None:
            return StageOutcome()
        if section.tool in VENDOR_TOOLS:
            return run_vendor_tool(self.name, context, section)
        count = len(section.seeds)
        context.report(f'yosys and nextpnr for {section.device}, {count} seed{"s" if count > 1 else ""}')
        done = nextpnr.implement(
            context.artifacts['rtl'],
            section.device,
            section.seeds,
            context.directory / 'nextpnr',
            clock_ns=section.clock_ns,
            timeout_s=section.timeout_s,
        )
        fmax_mhz = done.median_fmax_mhz
        labels = {'stage': self.name, 'tool': section.tool, 'part': section.device}
        metrics = [
            measure('fmax_mhz', round(fmax_mhz, 3), **labels),
            *cost_metrics(context.directory / 'nextpnr', stage=self.name, part=section.device),
            *resource_metrics(done.resources, stage=self.name, tool='yosys', part=section.device),
        ]
        if count > 1:
            spread = done.fmax_mhz.values()
            metrics.append(measure('fmax_min_mhz', round(min(spread), 3), **labels))
            metrics.append(measure('fmax_max_mhz', round(max(spread), 3), **labels))
            for seed, value in done.fmax_mhz.items():
                part = f'{section.device} seed {seed}'
                metrics.append(measure('fmax_mhz', round(value, 3), stage=self.name, tool=section.tool, part=part))
        ok, message = True, ''
        if section.clock_ns is not None:
            slack_ns = section.clock_ns - 1000 / fmax_mhz
            metrics.append(measure('wns_ns', round(slack_ns, 4), **labels))
            if slack_ns < 0:
                ok, message = (
                    False,
                    f'{fmax_mhz:.1f} MHz misses the clock of {section.clock_ns:g} ns by {-slack_ns:.3f} ns',
                )
        artifacts = {f'implement_log_{seed}': log for seed, log in zip(section.seeds, done.logs, strict=True)}
        artifacts |= {f'implement_report_{report.stem}': report for report in done.reports}
        return StageOutcome(artifacts, tuple(metrics), self.tools(context.config), ok=ok, message=message)
