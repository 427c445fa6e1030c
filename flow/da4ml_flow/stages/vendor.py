"""Synthesis, and place and route, by a vendor's own tool: what those two stages have in common there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from da4ml_flow.config.model import BuildConfig, ImplementConfig, SynthesizeConfig, ToolSection
from da4ml_flow.results.metrics import ToolVersion, measure
from da4ml_flow.stages.base import StageContext, StageOutcome
from da4ml_flow.stages.cost import cost_metrics

VENDOR_TOOLS = ('vivado', 'quartus')
VendorSection = SynthesizeConfig | ImplementConfig


def vendor_settings(config: BuildConfig, section: VendorSection) -> Mapping[str, Any]:
    """What decides the result; a timeout does not."""
    return {
        'tool': section.tool,
        'part': section.part,
        'retiming': section.retiming,
        'strategy': section.strategy if section.tool == 'quartus' else directives(section),
        'constraint_ns': constraint_ns(config, section),
        'clock_ns': getattr(section, 'clock_ns', None),  # whether a miss is the answer no
    }


def vendor_tools(section: VendorSection) -> tuple[ToolVersion, ...]:
    """The tools of a section, found but not started."""
    from da4ml_flow.eda import fusesoc, tools

    tool, *_ = tools.find_all(tools.QUARTUS if section.tool == 'quartus' else tools.VIVADO)
    return (tool.record, *fusesoc.libraries())


def constraint_ns(config: BuildConfig, section: VendorSection) -> float:
    """The clock period that the tool works towards."""
    own: float | None = getattr(section, 'clock_ns', None)
    return config.rtl.clock_ns if own is None else own


def directives(section: ToolSection) -> dict[str, str]:
    """Directives by step: those of the strategy, and in their place those given."""
    from da4ml_flow.eda.backends.vivado import STRATEGIES

    given = section.directives.model_dump(exclude_none=True)
    return {**STRATEGIES[section.strategy], **given}


def run_vendor_tool(stage: str, context: StageContext, section: VendorSection) -> StageOutcome:
    """Run the tool up to synthesis or up to routing; a routed clock that was asked for and is missed is the no."""
    from da4ml_flow.eda.backends import quartus, vivado

    tool, part, period_ns = section.tool, section.part or '', constraint_ns(context.config, section)
    context.report(f'{tool} for {part} at {period_ns:g} ns')
    rtl, directory = context.artifacts['rtl'], context.directory / tool
    if tool == 'quartus':
        done = quartus.measure_kernel(
            rtl,
            part,
            directory,
            clock_ns=period_ns,
            strategy=section.strategy,
            retiming=section.retiming,
            timeout_s=section.timeout_s,
        )
    else:
        done = vivado.measure_kernel(
            rtl,
            part,
            directory,
            clock_ns=period_ns,
            last_step='synth' if stage == 'synthesize' else 'route',
            directives=directives(section),
            retiming=section.retiming,
            timeout_s=section.timeout_s,
            earlier=None if context.earlier is None else context.earlier / tool,
        )
    figures = dict(done.figures)
    if stage == 'synthesize':
        figures['synth_s'] = round(done.wall_s, 3)
    metrics = tuple(measure(name, value, stage=stage, tool=tool, part=part) for name, value in figures.items())
    metrics += cost_metrics(directory, stage=stage, part=part)
    artifacts = {f'{stage}_{path.stem}': path for path in done.reports}
    artifacts |= {f'{stage}_log_{path.stem}': path for path in done.logs}
    ok, message = True, ''
    if getattr(section, 'clock_ns', None) is not None and figures.get('wns_ns', 0) < 0:
        ok, message = False, f'the worst path misses the clock of {period_ns:g} ns by {-figures["wns_ns"]:.3f} ns'
    return StageOutcome(artifacts, metrics, vendor_tools(section), ok=ok, message=message)
