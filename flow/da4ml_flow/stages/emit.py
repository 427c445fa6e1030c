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
    replaces: tuple[str, ...] = ()

    def settings(self, config: BuildConfig) -> Mapping[str, Any]:
        rtl = config.rtl
        asked = {'wrapper': rtl.wrapper, 'constraints': rtl.constraints}
        uses_clock = rtl.pipeline.latency_ns is not None or rtl.is_hls or rtl.constraints is not None
        return {
            'name': config.name,
            'top': config.top,
            'language': config.rtl.language,
            'pipeline': config.rtl.pipeline.model_dump(mode='json'),
            'device': config.optimizer.device,
            'clock_ns': rtl.clock_ns if uses_clock else None,
            **{key: section.model_dump(mode='json') for key, section in asked.items() if section is not None},
        }

    def tools(self, config: BuildConfig) -> tuple[ToolVersion, ...]:
        return ()

    def run(self, context: StageContext) -> StageOutcome:
        from da4ml_core.codegen import HLS_LANGUAGES, emit_hls, emit_rtl
        from da4ml_core.codegen.wrapper import Constraints, Protocol, Wrapper
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
            write_hls(design, program, directory, config.name)
            return StageOutcome({'rtl': directory})
        scheduled = schedule(
            program,
            input_registers=pipeline.input_registers,
            output_registers=pipeline.output_registers,
            clock_ns=config.rtl.clock_ns,
            device=device(config.optimizer.device),
            **pipeline.limits,
        )
        wrapper = constraints = None
        if config.rtl.wrapper is not None:
            protocol, *options = config.rtl.wrapper.model_dump().values()
            wrapper = Wrapper(Protocol(protocol), *options)
        if config.rtl.constraints is not None:
            constraints = Constraints(config.rtl.clock_ns, **config.rtl.constraints.model_dump())
        enable = wrapper is not None and wrapper.needs_clock_enable
        bundle = emit_rtl(scheduled, config.top, config.rtl.language, pipeline.shift_registers, enable)
        write_core(bundle, context.config.name, directory, wrapper, constraints)
        metrics = (
            measure('latency_cycles', bundle.latency_cycles, stage=self.name),
            measure('register_bits', scheduled.register_bits, stage=self.name),
            measure('stage_delay_ns', scheduled.delay_ns, stage=self.name, part=config.optimizer.device),
            measure('ii', bundle.initiation_interval, stage=self.name),
        )
        return StageOutcome({'rtl': directory}, metrics)
