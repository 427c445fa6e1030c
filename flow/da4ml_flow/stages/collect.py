"""What the finished design is worth: the accuracy of its outputs, and its latency at the target clock."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from da4ml_flow.config.model import BuildConfig, DatasetConfig
from da4ml_flow.errors import DatasetError, Location
from da4ml_flow.results.metrics import Metric, ToolVersion, measure
from da4ml_flow.stages.base import StageContext, StageOutcome


class Collect:
    """Makes no artifact. Accuracy is of the interpreter, whose outputs simulation proves equal to the design's."""

    name = 'collect'
    inputs = ('program', 'rtl')
    replaces: tuple[str, ...] = ()

    def settings(self, config: BuildConfig) -> Mapping[str, Any]:
        dataset = config.model.dataset
        labelled = dataset is not None and dataset.labels is not None
        return {
            'clock_ns': config.rtl.clock_ns,
            'dataset': dict(dataset) if dataset is not None and labelled else None,
        }

    def tools(self, config: BuildConfig) -> tuple[ToolVersion, ...]:
        return ()

    def run(self, context: StageContext) -> StageOutcome:
        interface = json.loads((context.artifacts['rtl'] / 'interface.json').read_text(encoding='utf-8'))
        clock_ns = context.config.rtl.clock_ns
        metrics: list[Metric] = []
        if interface['clocked'] and interface['latency_cycles'] is not None:
            latency_ns = round(interface['latency_cycles'] * clock_ns, 6)
            metrics.append(measure('clock_ns', clock_ns, stage=self.name))
            metrics.append(measure('latency_ns', latency_ns, stage=self.name, part=f'at a clock of {clock_ns:g} ns'))
        dataset = context.config.model.dataset
        if dataset is not None and dataset.labels is not None:
            context.report(f'accuracy on {dataset.path.name}')
            metrics.append(measure('accuracy', _accuracy_percent(context, dataset), stage=self.name))
        return StageOutcome({}, tuple(metrics))


def _accuracy_percent(context: StageContext, config: DatasetConfig) -> float:
    """Of the program of this build; see `accuracy_percent`."""
    import numpy as np

    from da4ml_core.interp import predict
    from da4ml_core.ir.serialize import load_program
    from da4ml_flow.stages.dataset import accuracy_percent, load_dataset

    data = load_dataset(config)
    program = load_program(context.artifacts['program'])
    if len(program.output_shapes) != 1:
        raise DatasetError(
            f'accuracy is of one output, and the model has {len(program.output_shapes)}',
            location=Location(str(config.path)),
            context='model.dataset.labels',
            hint='leave labels out',
        )
    return accuracy_percent(np.asarray(predict(program, data.inputs)), data, config)
