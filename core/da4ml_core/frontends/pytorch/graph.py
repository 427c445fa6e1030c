"""Calls of torch operations become the graph that the ONNX readers take: torch, as they do, puts channels second."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from da4ml_core.frontends.onnx_model import AttributeValue, ModelInput, Node, OnnxGraph

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor of the graph, by its name."""

    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """One operation by its name in ATen, its arguments by their names there; ``layer`` is what the user calls it."""

    file: str
    layer: str
    operation: str
    arguments: Mapping[str, Any]

    @property
    def node(self) -> Node:
        """For errors, and before there is a node."""
        return Node(self.file, self.operation, '', self.layer, (), (self.layer,), MappingProxyType({}))

    def get(self, name: str, default: Any = None) -> Any:
        value = self.arguments.get(name)
        return default if value is None else value

    def tensor(self, name: str) -> Tensor:
        value = self.arguments.get(name)
        if not isinstance(value, Tensor):
            raise self.node.unsupported(f'its argument {name!r} is not supported', hint='a tensor that is computed')
        return value

    def constant(self, name: str) -> Array:
        value = self.arguments.get(name)
        if isinstance(value, Tensor) or value is None:
            raise self.node.unsupported(f'its argument {name!r} is computed, which is not supported', hint='constants')
        array = np.asarray(value)
        if array.dtype.kind == 'f' and not np.isfinite(array).all():
            raise self.node.corrupt(f'its argument {name!r} holds numbers that are not finite')
        return array

    def integer(self, name: str, default: int) -> int:
        value = self.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.node.unsupported(f'its argument {name!r} is {value!r}', hint='an integer')
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        return bool(self.get(name, default))

    def sizes(self, name: str, rank: int, default: Sequence[int]) -> list[int]:
        """One number for each spatial axis, from one for all or a list."""
        value = self.get(name, default)
        listed = list(default) if value in ((), []) else [value] * rank if isinstance(value, int) else list(value)
        listed = listed * rank if len(listed) == 1 else listed
        if len(listed) != rank or not all(isinstance(size, int) for size in listed):
            raise self.node.unsupported(f'its argument {name!r} is {value!r}', hint=f'{rank} integers')
        return listed


@dataclass(slots=True)
class TorchGraph:
    """Nodes so far; shapes count a batch of 1."""

    file: str
    name: str
    inputs: list[ModelInput] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    constants: dict[str, Array] = field(default_factory=dict)

    def input(self, name: str, shape: Sequence[int]) -> Tensor:
        self.inputs.append(ModelInput(name, (1, *shape)))
        return Tensor(name)

    def constant(self, layer: str, numbers: Any) -> str:
        """The name of new constant numbers; floats become float32."""
        array = np.asarray(numbers)
        name = f'{layer}/constant_{len(self.constants)}'
        self.constants[name] = array.astype(np.float32) if array.dtype.kind == 'f' else array
        return name

    def add(self, call: Call, op_type: str, *inputs: Tensor | Array | float, **attributes: AttributeValue) -> Tensor:
        """A node of ONNX or QONNX; numbers among its inputs become constants."""
        names = [value.name if isinstance(value, Tensor) else self.constant(call.layer, value) for value in inputs]
        output = f'{call.layer}:{len(self.nodes)}'
        domain = 'qonnx.custom_op.general' if op_type == 'Quant' else ''
        node = Node(self.file, op_type, domain, call.layer, tuple(names), (output,), MappingProxyType(attributes))
        self.nodes.append(node)
        return Tensor(output)

    def finish(self, outputs: Sequence[Tensor]) -> OnnxGraph:
        return OnnxGraph(
            self.file,
            self.name,
            tuple(self.nodes),
            MappingProxyType(self.constants),
            tuple(self.inputs),
            tuple(output.name for output in outputs),
        )
