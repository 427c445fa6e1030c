"""From a program to a hardware description: pipelined, and packed as a FuseSoC core."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from da4ml_flow.config.model import BuildConfig
from da4ml_flow.results.metrics import ToolVersion, measure
from da4ml_flow.stages.base import StageContext, StageOutcome


class Emit:
    """Makes ``rtl``: a folder of the design's files, its ``.core`` and its ``interface.json``."""

    name = 'emit'
    inputs = ('program',)

    def settings(self, config: BuildConfig) -> Mapping[str, Any]:
        return {
            'name': config.name,
            'top': config.top,
            'language': config.rtl.language,
            'pipeline': config.rtl.pipeline.model_dump(mode='json'),
        }

    def tools(self, config: BuildConfig) -> tuple[ToolVersion, ...]:
        return ()

    def run(self, context: StageContext) -> StageOutcome:
        from da4ml_core.codegen import emit_rtl
        from da4ml_core.ir.serialize import load_program
        from da4ml_core.passes.schedule import schedule
        from da4ml_flow.eda.core_file import write_core

        context.report(f'writing {context.config.rtl.language}')
        pipeline = context.config.rtl.pipeline
        program = load_program(context.artifacts['program'])
        scheduled = schedule(
            program,
            pipeline.max_levels,
            input_registers=pipeline.input_registers,
            output_registers=pipeline.output_registers,
        )
        bundle = emit_rtl(scheduled, context.config.top, context.config.rtl.language)
        directory = context.directory / 'rtl'
        write_core(bundle, context.config.name, directory)
        metrics = (
            measure('latency_cycles', bundle.latency_cycles, stage=self.name),
            measure('ii', bundle.initiation_interval, stage=self.name),
        )
        return StageOutcome({'rtl': directory}, metrics)
