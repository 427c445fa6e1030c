"""Post-training quantization as one call: a float model file and samples in, an exact program out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from da4ml_core.errors import FrontendError, Location, TraceError, UnsupportedLayer
from da4ml_core.frontends.post_training.calibrate import LayerReport, QuantizedGraph, calibrate
from da4ml_core.frontends.post_training.float_graph import FloatGraph, simplified
from da4ml_core.frontends.post_training.float_operations import Array, Tabulated
from da4ml_core.frontends.post_training.settings import Quantization, check_settings
from da4ml_core.frontends.python_function import is_function_source, module_of_factory
from da4ml_core.frontends.registry import check_no_pickle

if TYPE_CHECKING:
    from da4ml_core.ir import Program
    from da4ml_core.trace import SolverOptions


@dataclass(frozen=True, slots=True)
class QuantizedModel:
    """The program, the float graph that it came from, and what happened to each tensor."""

    program: Program
    float_graph: FloatGraph
    quantized: QuantizedGraph

    @property
    def report(self) -> tuple[LayerReport, ...]:
        return self.quantized.report

    @property
    def dropped(self) -> tuple[str, ...]:
        return self.float_graph.dropped

    def float_predict(self, *inputs: Any) -> Array:
        """The first output of the float model, before quantization; a softmax at its end is left out."""
        return float_outputs(self.float_graph, *inputs)


def float_outputs(graph: FloatGraph, *inputs: Any) -> Array:
    """The first output of a float model for a batch."""
    shaped = [
        np.asarray(x, dtype=np.float64).reshape(len(x), *shape)
        for x, shape in zip(inputs, graph.inputs.values(), strict=True)
    ]
    return graph.evaluate(*shaped)[0]


def quantize_model(
    path: Any,
    calibration: Any,
    settings: Quantization | None = None,
    solver: SolverOptions | None = None,
    weights: str | Path | None = None,
) -> QuantizedModel:
    """Read, calibrate and trace a float model; raises FrontendError, naming file and layer, and FormatError.

    ``path`` may be a live torch.nn.Module. ``calibration`` is an array of samples, or one for each input. ``weights``
    is the file beside a Keras architecture in JSON; without it, ``<stem>_weights.h5`` or ``<stem>.weights.h5``.
    """
    samples = calibration if isinstance(calibration, list | tuple) else [calibration]
    if isinstance(path, str | Path):
        graph = read_float_model(path, weights)
    else:
        from da4ml_core.frontends.post_training.from_onnx import float_graph_of
        from da4ml_core.frontends.pytorch.module import read_module

        graph = float_graph_of(read_module(path, [np.shape(sample)[1:] for sample in samples]))
    return quantize_graph(graph, samples, settings or Quantization(), solver)


def read_float_model(path: str | Path, weights: str | Path | None = None) -> FloatGraph:
    """The float graph of a model file; raises FrontendError."""
    path = Path(path)
    if is_function_source(path):
        from da4ml_core.frontends.post_training.from_onnx import float_graph_of

        return float_graph_of(module_of_factory(path))
    check_no_pickle(path)
    reader = FLOAT_READERS.get(path.suffix.lower())
    if reader is None:
        raise FrontendError(
            f'no reader of float models for {path.suffix or "files without a suffix"}',
            location=Location(str(path)),
            hint=f'known suffixes: {", ".join(FLOAT_READERS)}',
        )
    return reader(path, None if weights is None else Path(weights))


def quantize_graph(
    graph: FloatGraph, samples: Sequence[Any], settings: Quantization, solver: SolverOptions | None = None
) -> QuantizedModel:
    """As :func:`quantize_model`, of a graph that was read before."""
    check_settings(settings)
    if len(samples) != len(graph.inputs):
        raise FrontendError(
            f'{len(samples)} arrays of calibration samples for {len(graph.inputs)} inputs',
            location=Location(graph.file),
        )
    quantized = calibrate(simplified(graph, settings.fold_batchnorm), samples, settings)
    return QuantizedModel(_traced(quantized, solver), graph, quantized)


def _traced(quantized: QuantizedGraph, solver: SolverOptions | None) -> Program:
    from da4ml_core.trace import SolverOptions, Tracer, table

    graph = quantized.graph
    tracer = Tracer(graph.name, solver=solver or SolverOptions())
    values: dict[str, Any] = {}
    for name, shape in graph.inputs.items():
        values[name] = quantized.formats[name].trace(tracer.input(shape, name=name))
    for node in graph.nodes:
        with tracer.origin(node.layer):
            try:
                result = node.operation.trace([values[source] for source in node.sources])
                found = quantized.formats.get(node.name)
                if isinstance(node.operation, Tabulated) and found is not None:
                    result = table(result, node.operation.function, *found.types(), found.rounding, found.overflow)
                elif found is not None:
                    result = found.trace(result)
            except TraceError as cause:
                raise UnsupportedLayer(
                    cause.message, location=Location(graph.file), context=f'layer {node.layer!r}', hint=cause.hint
                ) from None
        values[node.name] = result
    return tracer.finish([values[name] for name in graph.outputs])


def _keras(path: Path, weights: Path | None) -> FloatGraph:
    from da4ml_core.frontends.post_training.from_keras import read_float_keras

    return read_float_keras(path, weights)


def _pt2(path: Path, weights: Path | None) -> FloatGraph:
    from da4ml_core.frontends.post_training.from_onnx import float_graph_of
    from da4ml_core.frontends.pytorch.archive import read_pt2

    if weights is not None:
        raise FrontendError('a .pt2 program holds its weights itself', location=Location(str(path)))
    return float_graph_of(read_pt2(path))


def _onnx(path: Path, weights: Path | None) -> FloatGraph:
    from da4ml_core.frontends.post_training.from_onnx import read_float_onnx

    if weights is not None:
        raise FrontendError('an ONNX model holds its weights itself', location=Location(str(path)))
    return read_float_onnx(path)


FLOAT_READERS: Mapping[str, Callable[[Path, Path | None], FloatGraph]] = MappingProxyType(
    {'.keras': _keras, '.h5': _keras, '.json': _keras, '.onnx': _onnx, '.pt2': _pt2}
)
