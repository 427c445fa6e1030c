"""The tracer: makes symbolic inputs, collects what is computed from them, and finishes it as a program."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from math import prod
from typing import Any

import numpy as np

from da4ml_core._srcloc import user_location
from da4ml_core.errors import FormatError, TraceError, UnsupportedOperation
from da4ml_core.ir.collection import collector_rests
from da4ml_core.ir.program import Operand, Program, Shape
from da4ml_core.ir.verify import verify
from da4ml_core.passes.dead_code import eliminate_dead_code
from da4ml_core.passes.narrow import narrow
from da4ml_core.passes.sink_constants import sink_constants
from da4ml_core.trace.array import SymbolicArray
from da4ml_core.trace.context import Context
from da4ml_core.trace.deferred import NOT_QUANTIZED, Deferred
from da4ml_core.trace.linear import SolverOptions, check_size
from da4ml_core.trace.variable import External


class Tracer:
    """One program in the making. Arrays of different tracers do not mix."""

    def __init__(self, name: str, solver: SolverOptions | None = None) -> None:
        self._context = Context(name, solver or SolverOptions())
        self._input_shapes: list[Shape] = []
        self._num_inputs = 0

    def input(self, shape: int | Sequence[int], name: str = 'input') -> SymbolicArray:
        """A new external input of real numbers, without a batch axis; quantize it before any arithmetic."""
        given = shape if isinstance(shape, Iterable) else (shape,)
        if any(isinstance(extent, bool) or not isinstance(extent, (int, np.integer)) or extent < 1 for extent in given):
            raise FormatError(
                f'input {name!r} needs a shape of positive integers, not {shape!r}', location=user_location()
            )
        shape = tuple(int(extent) for extent in given)
        check_size((self._num_inputs + prod(shape),))
        elements = np.empty(shape, dtype=object)
        flat = elements.reshape(-1)
        for position in range(flat.size):
            flat[position] = External(self._num_inputs + position)
        self._input_shapes.append(shape)
        self._num_inputs += flat.size
        return SymbolicArray(self._context, elements)

    def count_bit_products(self) -> None:
        """Count the bit-operations of what is traced from now on."""
        self._context.graph.bit_products = 0

    @property
    def bit_products(self) -> int:
        """Over all products so far, bits of one factor times bits of the other (EBOPs), where they are counted."""
        return self._context.graph.bit_products or 0

    def origin(self, label: str) -> AbstractContextManager[None]:
        """Label the operations made inside, say with the layer they come from."""
        return self._context.origin(label)

    def finish(self, outputs: Sequence[SymbolicArray] | SymbolicArray) -> Program:
        """The verified program of the outputs: without dead operations, every range as tight as is proved.

        Raises TraceError for what is no symbolic array of this program, quantized and with elements.
        """
        with collector_rests():
            return self._finished(outputs)

    def _finished(self, outputs: Sequence[SymbolicArray] | SymbolicArray) -> Program:
        arrays: list[Any] = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
        edges: list[Operand] = []
        for position, array in enumerate(arrays):
            if isinstance(array, Deferred):
                raise UnsupportedOperation(
                    f'output {position}: {NOT_QUANTIZED}', location=user_location(), hint='call .quantize(...) on it'
                )
            if not isinstance(array, SymbolicArray) or not array.size:
                raise TraceError(
                    f'output {position} is {array!r}, not a symbolic array with elements',
                    location=user_location(),
                )
            if array.context is not self._context:
                raise TraceError(f'output {position} belongs to another program', location=user_location())
            if array.is_external:
                raise TraceError(
                    f'output {position} is an input that was never quantized: it has no fixed-point type',
                    location=user_location(),
                    hint='quantize the input',
                )
            edges.extend(self._context.graph.edge(element) for element in array.elements.flat)
        program = Program(
            name=self._context.name,
            ops=tuple(self._context.graph.ops),
            outputs=tuple(edges),
            input_shapes=tuple(self._input_shapes),
            output_shapes=tuple(array.shape for array in arrays),
        )
        compact = eliminate_dead_code(sink_constants(eliminate_dead_code(program)))
        return verify(narrow(compact))
