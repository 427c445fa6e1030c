"""From a program to a hardware description: pipelined, and packed as a FuseSoC core."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from da4ml_flow.config.model import BuildConfig
from da4ml_flow.results.metrics import ToolVersion, measure
from da4ml_flow.stages.base import StageContext, StageOutcome


class Emit:
    """Makes ``rtl``: a folder of the design's files, its ``.core`` and its ``interface.json``, or a C++ project."""

    name = 'emit'
    inputs = ('program',)

    def settings(self, config: BuildConfig) -> Mapping[str, Any]:
        return {
            'name': config.name,
            'top': config.top,
            'language': config.rtl.language,
            'pipeline': config.rtl.pipeline.model_dump(mode='json'),
            'device': config.optimizer.device,
            'clock_ns': config.rtl.clock_ns
            if config.rtl.pipeline.latency_ns is not None or config.rtl.is_hls
            else None,
        }

    def tools(self, config: BuildConfig) -> tuple[ToolVersion, ...]:
        return ()

    def run(self, context: StageContext) -> StageOutcome:
        from da4ml_core.codegen import HLS_LANGUAGES, emit_hls, emit_rtl
        from da4ml_core.device import device
        from da4ml_core.ir.serialize import load_program
        from da4ml_core.passes.schedule import schedule
        from da4ml_flow.eda.core_file import write_core
        from da4ml_flow.eda.hls_project import write_hls

        context.report(f'writing {context.config.rtl.language}')
        config = context.config
        pipeline = config.rtl.pipeline
        program = load_program(context.artifacts['program'])
        directory = context.directory / 'rtl'
        if config.rtl.language in HLS_LANGUAGES:
            design = emit_hls(program, config.top, config.rtl.language, config.rtl.clock_ns)
            write_hls(design, program, directory)
            return StageOutcome({'rtl': directory})
        scheduled = schedule(
            program,
            input_registers=pipeline.input_registers,
            output_registers=pipeline.output_registers,
            clock_ns=config.rtl.clock_ns,
            device=device(config.optimizer.device),
            **pipeline.limits,
        )
        bundle = emit_rtl(scheduled, config.top, config.rtl.language, pipeline.shift_registers)
        write_core(bundle, context.config.name, directory)
        metrics = (
            measure('latency_cycles', bundle.latency_cycles, stage=self.name),
            measure('register_bits', scheduled.register_bits, stage=self.name),
            measure('stage_delay_ns', scheduled.delay_ns, stage=self.name, part=config.optimizer.device),
            measure('ii', bundle.initiation_interval, stage=self.name),
        )
        return StageOutcome({'rtl': directory}, metrics)
