"""From a float graph and calibration samples to a quantized graph: formats, rounded weights, corrected biases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

import numpy as np

from da4ml_core.errors import FrontendError, Location
from da4ml_core.fixed import Overflow, Rounding
from da4ml_core.frontends.post_training.float_graph import FloatGraph, FloatNode
from da4ml_core.frontends.post_training.float_operations import (
    Array,
    Concatenate,
    Permute,
    Rectifier,
    Reshape,
    Tabulated,
    Upsample,
    Weighted,
    ZeroPad,
)
from da4ml_core.frontends.post_training.formats import Format, choose_format, granularity
from da4ml_core.frontends.post_training.settings import Quantization

MAX_CALIBRATION = 1024
SLOPE_BITS = 8
_REARRANGEMENTS = (Concatenate, Permute, Reshape, Upsample, ZeroPad)


@dataclass(frozen=True, slots=True)
class LayerReport:
    """What one tensor became: its format, and its power over that of its error on the samples, in dB."""

    name: str
    format: str
    weight_bits: int | None
    sqnr_db: float


@dataclass(frozen=True, slots=True)
class QuantizedGraph:
    """A graph whose weights are exact, with the formats of the tensors that are quantized."""

    graph: FloatGraph
    formats: dict[str, Format]
    report: tuple[LayerReport, ...]

    def evaluate(self, *inputs: Array) -> list[Array]:
        """The outputs for a batch, exact wherever float64 is."""
        values = {
            name: self.formats[name].apply(np.asarray(x, dtype=np.float64))
            for name, x in zip(self.graph.inputs, inputs, strict=True)
        }
        for node in self.graph.nodes:
            result = node.operation.evaluate([values[source] for source in node.sources])
            found = self.formats.get(node.name)
            values[node.name] = result if found is None else found.apply(result)
        return [values[name] for name in self.graph.outputs]


def calibrate(graph: FloatGraph, samples: Sequence[Array], settings: Quantization) -> QuantizedGraph:
    """Quantize in order, each tensor by what it is in the float model, each bias by what the tensors before it became.

    ``samples`` has a batch for each input, of which the first MAX_CALIBRATION count. Raises FrontendError for samples
    that do not fit, and for settings of layers that do not exist.
    """
    _check_layers(graph, settings)
    truth = {name: _sampled(graph, name, x) for name, x in zip(graph.inputs, samples, strict=True)}
    exact: dict[str, Array] = {}
    formats: dict[str, Format] = {}
    report: list[LayerReport] = []
    quantized = _quantized_tensors(graph, settings)
    nodes: list[FloatNode] = []
    weight_bits: dict[str, int | None] = {}

    def settle(name: str, layer: str, bits: int, value: Array, weights: int | None) -> Array:
        formats[name] = _activation_format(truth[name], value, bits, settings)
        result = formats[name].apply(value)
        report.append(LayerReport(layer, str(formats[name]), weights, _sqnr_db(truth[name], result)))
        return result

    for name in graph.inputs:
        bits = settings.input_bits or settings.activation_bits
        exact[name] = settle(name, name, bits, truth[name], None)
    for node in graph.nodes:
        inputs = [exact[source] for source in node.sources]
        truth[node.name] = node.operation.evaluate([truth[source] for source in node.sources])
        operation = node.operation
        if isinstance(operation, Weighted):
            weight_bits[node.name] = settings.of(node.layer, 'weight_bits')
            operation = _weights(operation, node.layer, inputs[0], truth[node.name], settings)
        elif isinstance(operation, Rectifier):
            weight_bits[node.name] = weight_bits.get(node.sources[0])
            operation = replace(operation, slope=_rounded(operation.slope, SLOPE_BITS))
        nodes.append(replace(node, operation=operation))
        exact[node.name] = operation.evaluate(inputs)
        if node.name in quantized:
            bits = quantized[node.name]
            exact[node.name] = settle(node.name, node.layer, bits, exact[node.name], weight_bits.get(node.name))
        elif node.name in graph.outputs:
            error = _sqnr_db(truth[node.name], exact[node.name])
            report.append(LayerReport(node.layer, 'all bits', weight_bits.get(node.name), error))
    return QuantizedGraph(replace(graph, nodes=tuple(nodes)), formats, tuple(report))


def _quantized_tensors(graph: FloatGraph, settings: Quantization) -> dict[str, int]:
    """The tensors that are quantized, and their bits: those that grew, but not in front of a rectifier."""
    consumers = graph.consumers()
    endings = _endings(graph)
    found: dict[str, int] = {}
    for node in graph.nodes:
        bits = settings.of(node.layer, 'activation_bits')
        readers = consumers[node.name]
        if isinstance(node.operation, Tabulated):
            is_ending = node.name in endings and not readers
            found[node.name] = settings.output_bits or bits if is_ending else bits
        elif node.name in endings:
            if settings.output_bits is not None:
                found[node.name] = settings.output_bits
        elif node.operation.grows and not (readers and all(isinstance(r.operation, Rectifier) for r in readers)):
            found[node.name] = bits
    return found


def _endings(graph: FloatGraph) -> set[str]:
    """The tensors that reach an output without a further operation, and nothing else."""
    consumers = graph.consumers()
    endings = {name for name in graph.outputs if not consumers[name]}
    for node in reversed(graph.nodes):
        if node.name in endings and isinstance(node.operation, _REARRANGEMENTS):
            endings |= {
                source for source in node.sources if all(reader.name in endings for reader in consumers[source])
            }
    return endings


def _weights(operation: Weighted, layer: str, x: Array, truth: Array, settings: Quantization) -> Weighted:
    """The operation with rounded weights, and a bias that makes up for the mean error of each channel."""
    bits = settings.of(layer, 'weight_bits')
    bias_bits = settings.of(layer, 'bias_bits')
    kernel, bias = operation.kernel, np.broadcast_to(operation.bias, truth.shape[-1:]).astype(np.float64)
    rows = kernel if kernel.ndim > 1 else kernel.reshape(1, -1)
    found = choose_format(
        np.concatenate([rows, -rows]),  # symmetric codes have a sign in any case
        bits,
        per_channel=settings.weight_scale == 'channel',
        search=settings.range == 'mse',
        rounding=Rounding.RND_CONV,
        overflow=Overflow.SAT_SYM,
    )
    rounded = found.apply(rows).reshape(kernel.shape)
    made = replace(operation, kernel=rounded, bias=bias)
    if settings.correct_bias:
        error = (truth - made.evaluate([x])).reshape(-1, truth.shape[-1]).mean(axis=0)
        bias = bias + error
    if bias_bits is not None:
        limited = choose_format(
            np.concatenate([bias[None], -bias[None]]),
            bias_bits,
            per_channel=False,
            search=settings.range == 'mse',
            rounding=Rounding.RND_CONV,
            overflow=Overflow.SAT_SYM,
        )
        return replace(made, bias=limited.apply(bias))
    step = granularity(x.reshape(-1)[:: max(1, x.size >> 16)]) + found.exponents
    step = np.minimum(step, _largest_step(bias))
    return replace(made, bias=np.ldexp(np.rint(np.ldexp(bias, -step)), step))


def _largest_step(bias: Array) -> int:
    """A step that keeps some bits of the largest bias, where the inputs would leave it none."""
    return int(np.frexp(np.abs(bias).max(initial=2.0**-40))[1]) - 4


def _activation_format(truth: Array, value: Array, bits: int, settings: Quantization) -> Format:
    """The format of a tensor; what wraps around must hold what the quantized model really has there, too."""
    seen = np.concatenate([truth, value]) if settings.overflow is Overflow.WRAP else truth
    return choose_format(
        seen,
        bits,
        per_channel=settings.activation_scale == 'channel',
        search=settings.range == 'mse',
        rounding=settings.rounding,
        overflow=settings.overflow,
    )


def _sampled(graph: FloatGraph, name: str, x: Array) -> Array:
    shape = graph.inputs[name]
    samples = np.asarray(x)[:MAX_CALIBRATION]
    if samples.ndim < 1 or not len(samples) or samples[0].size != int(np.prod(shape)):
        raise FrontendError(
            f'calibration samples of shape {samples.shape[1:]} for input {name!r} of shape {shape}',
            location=Location(graph.file),
        )
    samples = samples.reshape(len(samples), *shape).astype(np.float64)
    if not np.isfinite(samples).all():
        raise FrontendError('calibration samples that are not finite numbers', location=Location(graph.file))
    return samples


def _check_layers(graph: FloatGraph, settings: Quantization) -> None:
    known = list(dict.fromkeys(node.layer for node in graph.nodes))
    for layer in settings.layers:
        if layer not in known:
            near = get_close_matches(layer, known, 1)
            raise FrontendError(
                f'the model has no layer {layer!r} to quantize in a way of its own',
                location=Location(graph.file),
                hint=f'did you mean {near[0]!r}?' if near else f'its layers: {", ".join(known)}',
            )


def _rounded(number: float, bits: int) -> float:
    mantissa, exponent = np.frexp(number)
    return float(np.ldexp(np.rint(np.ldexp(mantissa, bits)), exponent - bits))


def _sqnr_db(truth: Array, result: Array) -> float:
    noise = float(np.square(truth - result).sum())
    power = float(np.square(truth).sum())
    if not noise:
        return float('inf')
    return float(10 * np.log10(power / noise)) if power else float('-inf')
