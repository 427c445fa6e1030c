"""QONNX model files (.onnx) become programs, with neither onnx, protobuf nor any runtime."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from da4ml_core.errors import CorruptModel, FormatError, FrontendError, Location, TraceError, UnsupportedLayer
from da4ml_core.fixed import FixedType, Overflow, Rounding
from da4ml_core.frontends.onnx_model import ModelInput, Node, OnnxGraph, read_onnx
from da4ml_core.frontends.qonnx_ops import HANDLERS, QUANTIZER_DOMAINS, QUANTIZERS
from da4ml_core.frontends.qonnx_shapes import Value
from da4ml_core.frontends.qonnx_tensor import Tensor

if TYPE_CHECKING:
    from da4ml_core.ir import Program
    from da4ml_core.trace import SolverOptions, SymbolicArray, Tracer

MAX_INPUT_ELEMENTS = 1 << 20
SOFTMAX_RANGE, SOFTMAX_STEP = 4, 10  # logits up to 16 below the largest, in steps of 2**-10
STANDARD_DOMAINS = ('', 'ai.onnx')


class DroppedEnding(UserWarning):
    """The last operations of a model are left to the reader of the outputs; the order of the outputs is the same."""


@dataclass(frozen=True, slots=True)
class QonnxModel:
    """A program, and for each output what was left out behind it: float32 arithmetic alike for all its elements."""

    program: Program
    endings: tuple[Tensor, ...]
    dropped: tuple[str, ...]

    def finish(self, outputs: NDArray[Any], output: int = 0) -> NDArray[Any]:
        """The numbers of the model from a batch of the program's, in the float32 arithmetic of the reference.

        A softmax is not among them: these are its logits.
        """
        numbers = np.asarray(outputs, dtype=np.float32)
        for step in self.endings[output].steps:
            numbers = step.function(numbers, *(constant.reshape(-1)[0] for constant in step.constants))
        return numbers


def load_qonnx(
    path: str | Path,
    solver: SolverOptions | None = None,
    input_type: FixedType | str | None = None,
    softmax: str = 'drop',
) -> Program:
    """The program of a model file; warns with DroppedEnding where its last operations are left out or approximated."""
    return noted(read_qonnx(path, solver, input_type, softmax))


def noted(model: QonnxModel) -> Program:
    """The program of a model, with a DroppedEnding for each thing that was left out behind it."""
    for message in model.dropped:
        warnings.warn(message, DroppedEnding, stacklevel=3)
    return model.program


def read_qonnx(
    path: str | Path,
    solver: SolverOptions | None = None,
    input_type: FixedType | str | None = None,
    softmax: str = 'drop',
) -> QonnxModel:
    """Read and trace a model file; raises FrontendError, UnsupportedLayer or CorruptModel, naming file and node.

    ``input_type`` quantizes the inputs (to the nearest, saturating) of a model that computes before it quantizes.
    The program equals the float32 model wherever float32 sums are exact: within 24 bits. ``softmax`` at the end is
    dropped, so that the outputs are its logits, or kept: computed by tables, to about 2**-9.
    """
    return program_of(read_onnx(Path(path)), solver, input_type, softmax)


def program_of(
    graph: OnnxGraph,
    solver: SolverOptions | None = None,
    input_type: FixedType | str | None = None,
    softmax: str = 'drop',
) -> QonnxModel:
    """As :func:`read_qonnx`, of a graph that was read before, or made of a model of another kind."""
    from da4ml_core.trace import SolverOptions, Tracer

    if input_type is None and is_float(graph):
        raise UnsupportedLayer(
            'the model has no quantizers: none of its nodes is a Quant or a QuantizeLinear',
            location=Location(graph.file),
            hint='quantize it after training with the section `quantization`, or train it with quantizers',
        )
    _check_operations(graph)
    kind = parse_type(input_type) if isinstance(input_type, str) else input_type
    tracer = Tracer(graph.name, solver=solver or SolverOptions())
    if softmax not in ('drop', 'keep'):
        raise FrontendError(f'softmax {softmax!r} is not known', hint="one of 'drop', 'keep'")
    outputs, dropped = trace_graph(graph, tracer, kind, softmax)
    arrays = [tensor.base.reshape(tensor.shape[1:] or (1,)) for tensor in outputs]
    return QonnxModel(tracer.finish(arrays), tuple(outputs), tuple(dropped))


def is_float(graph: OnnxGraph) -> bool:
    """Whether the model multiplies by weights, and has no quantizer."""
    operations = {node.op_type for node in graph.nodes}
    return bool(operations & {'MatMul', 'Gemm', 'Conv'}) and not operations & {*QUANTIZERS, 'QuantizeLinear'}


def parse_type(text: str) -> FixedType:
    """``fixed<i,f>`` or ``ufixed<i,f>``; raises FormatError."""
    found = re.fullmatch(r'(u?)fixed<(-?\d{1,3}),\s*(-?\d{1,3})>', text.strip())
    if found is None:
        raise FormatError(f'{text!r} is no fixed-point type', hint="one is 'fixed<3,12>' or 'ufixed<0,8>'")
    return FixedType(not found[1], int(found[2]), int(found[3]))


def trace_graph(
    graph: OnnxGraph, tracer: Tracer, input_type: FixedType | None, softmax: str = 'drop'
) -> tuple[list[Tensor], list[str]]:
    """The outputs of the model, in order, and what was left out behind them."""
    values: dict[str, Value] = dict(graph.constants)
    for found in graph.inputs:
        values[found.name] = Tensor(symbolic_input(graph, found, tracer, input_type))
    dropped: list[str] = []
    producers: dict[str, Node] = {}
    for node in graph.nodes:
        producers[node.outputs[0]] = node
        inputs = [_value(node, values, name) for name in node.inputs if name]
        with tracer.origin(node.title):
            values[node.outputs[0]] = apply(graph, node, inputs, dropped, softmax)
    return finished_outputs(graph, values, producers, dropped), dropped


def apply(graph: OnnxGraph, node: Node, inputs: list[Value], dropped: list[str], softmax: str = 'drop') -> Value:
    """What one node computes; what is left out goes to ``dropped``."""
    try:
        with np.errstate(all='ignore'):
            if node.op_type == 'Softmax':
                end = _drop_softmax if softmax == 'drop' else _keep_softmax
                return end(graph, node, inputs, dropped)
            return HANDLERS[node.op_type](node, inputs)
    except FrontendError:
        raise
    except (ValueError, IndexError, TraceError, MemoryError) as cause:
        shapes = ', '.join(str(value.shape) for value in inputs)
        reason = cause.message if isinstance(cause, TraceError) else str(cause)
        raise node.corrupt(f'its inputs, of the shapes {shapes}, do not fit: {reason}') from None


def finished_outputs(
    graph: OnnxGraph, values: Mapping[str, Value], producers: Mapping[str, Node], dropped: list[str]
) -> list[Tensor]:
    """The outputs in order, each of which must keep the order of its elements where a scale is left out."""
    outputs = []
    for name in graph.outputs:
        tensor = values.get(name)
        if not isinstance(tensor, Tensor) or tensor.base.is_external:
            raise CorruptModel(f'output {name!r} is nothing that the model computes', location=Location(graph.file))
        if tensor.shape[:1] != (1,):
            raise UnsupportedLayer(
                f'output {name!r} has the shape {tensor.shape}, without a batch axis of 1',
                location=Location(graph.file),
            )
        _check_ending(producers[name], tensor, dropped)
        outputs.append(tensor)
    return outputs


def is_known(node: Node) -> bool:
    """Whether the operation is read."""
    if node.op_type in QUANTIZERS:
        return node.domain in QUANTIZER_DOMAINS
    return node.domain in STANDARD_DOMAINS and (node.op_type in HANDLERS or node.op_type == 'Softmax')


def _check_operations(graph: OnnxGraph) -> None:
    """Raise one UnsupportedLayer that names every node of an unknown kind."""

    unknown = [node for node in graph.nodes if not is_known(node)]
    if unknown:
        first = unknown[0]
        shown = f'{first.domain}.{first.op_type}' if first.domain else first.op_type
        raise first.unsupported(
            f'the operation {shown} is not supported',
            hint=f'supported: {", ".join(sorted(HANDLERS))}, and Softmax at the end',
            notes=[f'neither is node {node.title}' for node in unknown[1:]],
        )


def symbolic_input(graph: OnnxGraph, found: ModelInput, tracer: Tracer, input_type: FixedType | None) -> SymbolicArray:
    """The symbolic input behind a batch axis of 1."""
    location, shape = Location(graph.file), found.shape[1:]
    sizes = [size for size in shape if size is not None]
    if not found.shape or found.shape[0] not in (None, 1) or len(sizes) != len(shape):
        shown = ', '.join('?' if size is None else str(size) for size in found.shape)
        raise UnsupportedLayer(
            f'input {found.name!r} has the shape ({shown})',
            location=location,
            hint='supported: a batch axis of 1 or unknown size, and a fixed size for every other axis',
        )
    total = 1
    for size in sizes:
        total *= size
        if total > MAX_INPUT_ELEMENTS:
            raise CorruptModel(f'input {found.name!r} has more than {MAX_INPUT_ELEMENTS} elements', location=location)
    x = tracer.input(tuple(sizes) or (1,), name=found.name)
    if input_type is not None:
        x = x.quantize(*input_type, Rounding.RND, Overflow.SAT)
    return x.reshape((1, *sizes))


def _value(node: Node, values: dict[str, Value], name: str) -> Value:
    if name not in values:
        raise node.corrupt(f'its input {name!r} is made by no node before it')
    return values[name]


def _drop_softmax(graph: OnnxGraph, node: Node, inputs: list[Value], dropped: list[str]) -> Value:
    name = node.outputs[0]
    if name not in graph.outputs or any(name in other.inputs for other in graph.nodes):
        raise node.unsupported(
            'Softmax in the middle of a model is not supported', hint='supported: at its end, where it is dropped'
        )
    dropped.append(f'{node.title} is dropped: the outputs are its logits, whose order is the same')
    return inputs[0]


def _keep_softmax(graph: OnnxGraph, node: Node, inputs: list[Value], dropped: list[str]) -> Value:
    """The probabilities by tables of differences to the largest logit: no longer the float32 numbers of the model."""
    from da4ml_core.trace import softmax

    (x,) = inputs
    if node.outputs[0] not in graph.outputs or not isinstance(x, Tensor) or x.base.is_external or x.steps:
        raise node.unsupported(
            'a softmax is kept only at the end, behind exact numbers', hint="a Quant in front of it, or softmax: 'drop'"
        )
    axis = node.integer('axis', -1) % len(x.shape)
    if axis == 0:
        raise node.unsupported('a softmax along the batch axis is not supported')
    lowered = x.base - x.base.max(axis, keepdims=True)
    rounded = lowered.quantize(True, SOFTMAX_RANGE, SOFTMAX_STEP, Rounding.RND, Overflow.SAT)
    dropped.append(f'{node.title} is computed by tables: its outputs are close to those of the model, not equal')
    return Tensor(softmax(rounded, axis))


def _check_ending(node: Node, tensor: Tensor, dropped: list[str]) -> None:
    """Raise UnsupportedLayer unless what waits behind an output keeps the order of its elements."""
    if not tensor.steps:
        return
    alike = all(step.affine and all(np.ptp(c) == 0 for c in step.constants) for step in tensor.steps)
    if not alike:
        raise node.unsupported(
            'the output is scaled or shifted, element by element, by numbers that float32 rounds',
            hint='a Quant behind it; a positive scale and an offset that all elements share are dropped instead',
        )
    dropped.append(
        f'the last {len(tensor.steps)} operations, up to {node.title}, are dropped: '
        'a scale and an offset that all outputs share and that keep their order'
    )
