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
        if interface['clocked']:
            latency_ns = round(interface['latency_cycles'] * clock_ns, 6)
            metrics.append(measure('clock_ns', clock_ns, stage=self.name))
            metrics.append(measure('latency_ns', latency_ns, stage=self.name, part=f'at a clock of {clock_ns:g} ns'))
        dataset = context.config.model.dataset
        if dataset is not None and dataset.labels is not None:
            context.report(f'accuracy on {dataset.path.name}')
            metrics.append(measure('accuracy', _accuracy_percent(context, dataset), stage=self.name))
        return StageOutcome({}, tuple(metrics))


def _accuracy_percent(context: StageContext, config: DatasetConfig) -> float:
    """Samples whose largest output is that of their label; one output alone means class 1 where it is positive."""
    import numpy as np

    from da4ml_core.interp import predict
    from da4ml_core.ir.serialize import load_program
    from da4ml_flow.stages.dataset import load_dataset

    data = load_dataset(config)
    program = load_program(context.artifacts['program'])
    if len(program.output_shapes) != 1:
        raise DatasetError(
            f'accuracy is of one output, and the model has {len(program.output_shapes)}',
            location=Location(str(config.path)),
            context='model.dataset.labels',
            hint='leave labels out',
        )
    outputs = np.asarray(predict(program, data.inputs)).reshape(len(data.inputs), -1)
    classes = max(2, outputs.shape[1])
    labels = data.labels
    if labels is None or labels.min() < 0 or labels.max() >= classes:
        raise DatasetError(
            f'the labels in {config.labels!r} are not classes 0 to {classes - 1} of the model',
            location=Location(str(config.path)),
            context='model.dataset.labels',
        )
    guesses = outputs.argmax(axis=1) if outputs.shape[1] > 1 else (outputs[:, 0] > 0)
    return round(100 * float(np.mean(guesses == labels)), 6)
