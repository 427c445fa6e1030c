"""ONNX files: nodes, constants, inputs and outputs, read with neither onnx nor protobuf (field numbers: onnx.proto)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from da4ml_core.errors import CorruptModel, FrontendError, Location, UnsupportedLayer
from da4ml_core.frontends.onnx_wire import Message

Array = NDArray[Any]
AttributeValue = float | int | str | Array | list[int] | list[float]

# TensorProto.DataType -> numpy type, and the field that holds the elements where raw_data does not
ELEMENT_TYPES: Mapping[int, tuple[str, int]] = MappingProxyType(
    {
        1: ('<f4', 4),
        2: ('u1', 5),
        3: ('i1', 5),
        4: ('<u2', 5),
        5: ('<i2', 5),
        6: ('<i4', 5),
        7: ('<i8', 7),
        9: ('?', 5),
        11: ('<f8', 10),
    }
)
EXTERNAL = 1
MAX_ELEMENTS = 1 << 26
MAX_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class Node:
    """One operation; an input that is left out has the empty name."""

    file: str
    op_type: str
    domain: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, AttributeValue]

    @property
    def title(self) -> str:
        return f'{self.name or self.outputs[0]} ({self.op_type})'

    def unsupported(self, message: str, hint: str = '', notes: Sequence[str] = ()) -> UnsupportedLayer:
        return UnsupportedLayer(
            message, location=Location(self.file), context=f'node {self.title}', hint=hint, notes=notes
        )

    def corrupt(self, message: str) -> CorruptModel:
        return CorruptModel(message, location=Location(self.file), context=f'node {self.title}')

    def integer(self, name: str, default: int | None = None) -> int:
        value = self._attribute(name, default)
        if not isinstance(value, int):
            raise self.corrupt(f'its attribute {name!r} is no integer')
        return value

    def number(self, name: str, default: float | None = None) -> float:
        value = self._attribute(name, default)
        if not isinstance(value, float):
            raise self.corrupt(f'its attribute {name!r} is no number')
        return value

    def text(self, name: str, default: str | None = None) -> str:
        value = self._attribute(name, default)
        if not isinstance(value, str):
            raise self.corrupt(f'its attribute {name!r} is no text')
        return value

    def integers(self, name: str) -> list[int] | None:
        value = self.attributes.get(name)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(item, int) for item in value):
            raise self.corrupt(f'its attribute {name!r} is no list of integers')
        return [int(item) for item in value]

    def _attribute(self, name: str, default: float | int | str | None) -> AttributeValue:
        value = self.attributes.get(name, default)
        if value is None:
            raise self.corrupt(f'it has no attribute {name!r}')
        return value


@dataclass(frozen=True, slots=True)
class ModelInput:
    """An input that is no constant; the size of an axis that is only known at run time is None."""

    name: str
    shape: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class OnnxGraph:
    """A model file: its operations in order, constants by name, inputs and the names of its outputs."""

    file: str
    name: str
    nodes: tuple[Node, ...]
    constants: Mapping[str, Array]
    inputs: tuple[ModelInput, ...]
    outputs: tuple[str, ...]
    shapes: Mapping[str, tuple[int | None, ...]] = field(
        default_factory=dict
    )  # of other tensors, where the file says them


def read_onnx(path: Path) -> OnnxGraph:
    """The graph of a model file; raises FrontendError, UnsupportedLayer or CorruptModel."""
    file = str(path)
    try:
        with path.open('rb') as opened:
            data = opened.read(MAX_BYTES + 1)  # what has no end, say a device, is not read to it
    except OSError as error:
        raise FrontendError(f'cannot read the model: {error.strerror}', location=Location(file)) from None
    if len(data) > MAX_BYTES:
        raise CorruptModel(f'the file has more than {MAX_BYTES >> 20} MB', location=Location(file))
    model = Message.parse(data, 'the model', file)
    graph = model.message(7, 'the graph')
    if not graph.has(1):
        raise CorruptModel('this is no ONNX model: it has no nodes', location=Location(file))
    if graph.has(15) or model.has(25):
        what = 'sparse constants' if graph.has(15) else 'functions of its own'
        raise UnsupportedLayer(f'a model with {what} is not supported', location=Location(file))
    constants: dict[str, Array] = {}
    for tensor in graph.messages(5, 'a constant'):
        constants[tensor.text(8)] = read_tensor(tensor)
    inputs = [_read_input(message) for message in graph.messages(11, 'an input')]
    return OnnxGraph(
        file,
        graph.text(2) or path.stem,
        tuple(_read_node(message, file) for message in graph.messages(1, 'a node')),
        MappingProxyType(constants),
        tuple(found for found in inputs if found.name not in constants),
        tuple(message.text(1) for message in graph.messages(12, 'an output')),
        MappingProxyType({found.name: found.shape for place in (12, 13) for found in _read_shapes(graph, place)}),
    )


def read_tensor(tensor: Message) -> Array:
    """The elements of a constant; raises UnsupportedLayer for element types and places that are not read."""
    name = tensor.text(8)
    kind = tensor.integer(2)
    if kind not in ELEMENT_TYPES:
        raise UnsupportedLayer(
            f'constant {name!r} has the element type {kind}, which is not supported',
            location=Location(tensor.file),
            hint='supported: 32- and 64-bit floats, integers, booleans',
        )
    if tensor.has(13) or tensor.integer(14) == EXTERNAL:
        raise UnsupportedLayer(
            f'constant {name!r} is kept in another file, which is not supported',
            location=Location(tensor.file),
            hint='save the model as one file',
        )
    dtype, place = ELEMENT_TYPES[kind]
    shape = tuple(tensor.integers(1))
    size = math.prod(shape)
    if min(shape, default=0) < 0 or size > MAX_ELEMENTS:
        raise tensor.corrupt(f'{name!r} has the shape {list(shape)}')
    if tensor.has(9):
        raw = tensor.packed(9)
    elif place in (4, 10):
        raw = tensor.packed(place)
    else:
        raw = np.asarray(tensor.integers(place), dtype=np.int64).astype(dtype).tobytes()
    if len(raw) != size * np.dtype(dtype).itemsize:
        raise tensor.corrupt(f'{name!r} has {len(raw)} bytes, which the shape {list(shape)} does not')
    numbers = np.frombuffer(raw, dtype=dtype).reshape(shape)
    if numbers.dtype.kind == 'f' and not np.isfinite(numbers).all():
        index = [int(i) for i in np.argwhere(~np.isfinite(numbers))[0]]
        raise tensor.corrupt(f'{name!r} holds {numbers[tuple(index)]} at {index}')
    return numbers


def _read_shapes(graph: Message, place: int) -> list[ModelInput]:
    return [_read_input(message) for message in graph.messages(place, 'a tensor')]


def _read_input(message: Message) -> ModelInput:
    tensor = message.message(2, 'an input').message(1, 'an input')
    sizes: list[int | None] = []
    for axis in tensor.message(2, 'a shape').messages(1, 'an axis'):
        size = axis.integer(1)
        sizes.append(size if size > 0 else None)
    return ModelInput(message.text(1), tuple(sizes))


def _read_node(message: Message, file: str) -> Node:
    attributes = {found.text(1): _read_attribute(found) for found in message.messages(5, 'an attribute')}
    node = Node(
        file,
        message.text(4),
        message.text(7),
        message.text(3),
        tuple(message.texts(1)),
        tuple(message.texts(2)),
        MappingProxyType({name: value for name, value in attributes.items() if value is not None}),
    )
    if not node.op_type or not node.outputs:
        raise message.corrupt(f'{node.name!r} has no operation, or no output')
    return node


def _read_attribute(message: Message) -> AttributeValue | None:
    """The value by AttributeProto.type: FLOAT, INT, STRING, TENSOR, FLOATS, INTS; None for any other."""
    kind = message.integer(20)
    if kind == 1:
        return message.number(2)
    if kind == 2:
        return message.integer(3)
    if kind == 3:
        return message.text(4)
    if kind == 4:
        return read_tensor(message.message(5, 'a constant'))
    if kind == 6:
        raw = message.packed(7)
        if len(raw) % 4:
            raise message.corrupt('has a list of numbers that is cut off')
        return [float(number) for number in np.frombuffer(raw, '<f4')]
    return message.integers(8) if kind == 7 else None
