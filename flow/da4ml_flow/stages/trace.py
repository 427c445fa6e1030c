"""From a trained model to a verified, optimized program."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from da4ml_flow.config.model import BuildConfig
from da4ml_flow.results.metrics import Metric, ToolVersion, measure
from da4ml_flow.stages.base import StageContext, StageOutcome
from da4ml_flow.stages.float_model import quantization_settings


class Trace:
    """Makes ``program``: the model as exact fixed-point operations, its matrix products as adders."""

    name = 'trace'
    inputs: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()

    def settings(self, config: BuildConfig) -> Mapping[str, Any]:
        return {
            'source': _source(config.model.source),
            'weights': config.model.weights or _weights_beside(config.model.source),
            'input_type': config.model.input_type,
            'softmax': config.model.softmax,
            'quantization': quantization_settings(config),
            'optimizer': {**config.optimizer.model_dump(mode='json'), 'max_operands': config.max_operands},
        }

    def tools(self, config: BuildConfig) -> tuple[ToolVersion, ...]:
        return ()

    def run(self, context: StageContext) -> StageOutcome:
        from da4ml_core.device import device
        from da4ml_core.ir.cost import depth
        from da4ml_core.ir.serialize import save_program
        from da4ml_core.passes.area import lut_estimate
        from da4ml_flow.stages.float_model import float_accuracy, quantization_report, quantize_float_model
        from da4ml_flow.stages.model_file import load_model

        options = context.config.optimizer
        context.report(f'reading {context.config.model.source.name}')
        start = time.perf_counter()
        quantized = None
        if context.config.quantization is not None:
            quantized = quantize_float_model(context.config, context.report)
            program = quantized.program
        else:
            program = load_model(
                context.config.model.source,
                extra_depth=options.extra_depth,
                effort=options.effort,
                device=options.device,
                max_operands=context.config.max_operands,
                tables=options.tables,
                input_type=context.config.model.input_type,
                softmax=context.config.model.softmax,
                report=context.report,
            )
        elapsed = time.perf_counter() - start
        path = context.directory / 'program.json.gz'
        save_program(program, path)
        metrics: tuple[Metric, ...] = (
            measure('ops', program.num_ops, stage=self.name),
            measure('adders', program.num_adders, stage=self.name),
            measure(
                'lut_estimate', lut_estimate(program, device(options.device)), stage=self.name, part=options.device
            ),
            measure('depth', depth(program), stage=self.name),
            measure('trace_s', round(elapsed, 3), stage=self.name),
        )
        if quantized is None:
            return StageOutcome({'program': path}, metrics)
        report = context.directory / 'quantization.txt'
        report.write_text(quantization_report(quantized), encoding='utf-8')
        accuracy = float_accuracy(quantized, context.config)
        if accuracy is not None:
            metrics += (measure('float_accuracy', accuracy, stage=self.name),)
        return StageOutcome({'program': path, 'quantization_report': report}, metrics)


def _weights_beside(source: Path) -> Path | None:
    """The weights of an architecture decide the result as much as it does."""
    if source.suffix != '.json':
        return None
    from da4ml_core.frontends.post_training import weights_beside

    return weights_beside(source)


def _source(source: Path) -> Any:
    """The model file; the name and the files of a function; the package that reads a suffix which is not ours."""
    from da4ml_core.frontends.plugins import plugin_version
    from da4ml_core.frontends.python_function import is_function_source, source_files
    from da4ml_core.frontends.registry import READERS
    from da4ml_flow.stages.model_file import PROGRAM_SUFFIXES

    if is_function_source(source):
        return {'function': str(source).rpartition(':')[2], 'code': source_files(source)}
    if source.suffix in READERS or source.name.endswith(PROGRAM_SUFFIXES):
        return source
    return {'file': source, 'reader': plugin_version(source.suffix)}
