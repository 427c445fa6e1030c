"""From a trained model to a verified, optimized program."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from da4ml_flow.config.model import BuildConfig
from da4ml_flow.results.metrics import ToolVersion, measure
from da4ml_flow.stages.base import StageContext, StageOutcome


class Trace:
    """Makes ``program``: the model as exact fixed-point operations, its matrix products as adders."""

    name = 'trace'
    inputs: tuple[str, ...] = ()

    def settings(self, config: BuildConfig) -> Mapping[str, Any]:
        return {
            'source': config.model.source,
            'input_type': config.model.input_type,
            'optimizer': config.optimizer.model_dump(mode='json'),
        }

    def tools(self, config: BuildConfig) -> tuple[ToolVersion, ...]:
        return ()

    def run(self, context: StageContext) -> StageOutcome:
        from da4ml_core.device import device
        from da4ml_core.ir.cost import depth
        from da4ml_core.ir.serialize import save_program
        from da4ml_core.passes.area import lut_estimate
        from da4ml_flow.stages.model_file import load_model

        options = context.config.optimizer
        context.report(f'reading {context.config.model.source.name}')
        start = time.perf_counter()
        program = load_model(
            context.config.model.source,
            extra_depth=options.extra_depth,
            effort=options.effort,
            device=options.device,
            input_type=context.config.model.input_type,
            report=context.report,
        )
        elapsed = time.perf_counter() - start
        path = context.directory / 'program.json.gz'
        save_program(program, path)
        metrics = (
            measure('ops', program.num_ops, stage=self.name),
            measure('adders', program.num_adders, stage=self.name),
            measure(
                'lut_estimate', lut_estimate(program, device(options.device)), stage=self.name, part=options.device
            ),
            measure('depth', depth(program), stage=self.name),
            measure('trace_s', round(elapsed, 3), stage=self.name),
        )
        return StageOutcome({'program': path}, metrics)
