"""Static checks of the hardware description: any warning is the answer no."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from da4ml_flow.config.model import BuildConfig
from da4ml_flow.results.metrics import ToolVersion
from da4ml_flow.stages.base import StageContext, StageOutcome


class Lint:
    """Makes ``lint_log``: what `verilator -Wall`, or GHDL, says of the design and its primitives, no waivers."""

    name = 'lint'
    inputs = ('rtl',)
    replaces: tuple[str, ...] = ()

    def settings(self, config: BuildConfig) -> Mapping[str, Any] | None:
        return None if config.lint is None else {'tool': config.lint.tool}

    def tools(self, config: BuildConfig) -> tuple[ToolVersion, ...]:
        from da4ml_flow.eda import fusesoc, tools

        linter, *_ = tools.find_all(tools.LINT_VHDL if config.rtl.language == 'vhdl' else tools.LINT)
        return (linter.record, *fusesoc.libraries())

    def run(self, context: StageContext) -> StageOutcome:
        from da4ml_flow.eda.backends import ghdl, verilator

        vhdl = context.config.rtl.language == 'vhdl'
        context.report('ghdl -a' if vhdl else 'verilator -Wall')
        directory = context.directory / ('ghdl' if vhdl else 'verilator')
        warnings = (ghdl if vhdl else verilator).lint(context.artifacts['rtl'], directory)
        message = ''
        if warnings:
            count = len(warnings)
            message = f'{count} lint warning{"s" if count > 1 else ""}; the first: {warnings[0]}'
        return StageOutcome(
            {'lint_log': directory / 'make.log'}, (), self.tools(context.config), ok=not warnings, message=message
        )
