"""Tensors of an ONNX graph: exact fixed-point numbers, behind which float32 arithmetic may wait for its quantizer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from da4ml_core.errors import FormatError
from da4ml_core.fixed import Interval, dyadic

if TYPE_CHECKING:
    from da4ml_core.trace import SymbolicArray

Array = NDArray[Any]
SIGNIFICAND = 1 << 24  # float32 holds every integer up to here


@dataclass(frozen=True, slots=True)
class Step:
    """One float32 operation, element by element and monotone; its constants have the shape of the tensor."""

    function: Callable[..., Array]
    constants: tuple[Array, ...] = ()
    affine: bool = False  # strictly rising where the constants say so: it keeps the order of its inputs

    def rearranged(self, move: Callable[[Array], Array]) -> Step:
        return Step(self.function, tuple(move(constant) for constant in self.constants), self.affine)


@dataclass(frozen=True, slots=True)
class Tensor:
    """``steps`` applied in order to the exact ``base``, which keeps a batch axis of 1.

    float32 rounds most products and sums with constants that are no small dyadic numbers. Such operations are kept
    as they are, and evaluated in float32 where a quantizer turns them into thresholds on the base.
    """

    base: SymbolicArray
    steps: tuple[Step, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        return self.base.shape

    def evaluate(self, numbers: Array) -> Array:
        """What the reference computes for these values of the base."""
        for step in self.steps:
            numbers = step.function(numbers, *step.constants)
        return numbers

    def rearranged(self, move: Callable[[Any], Any]) -> Tensor:
        """The same numbers at other places."""
        return Tensor(move(self.base), tuple(step.rearranged(move) for step in self.steps))

    def then(self, step: Step) -> Tensor:
        return Tensor(self.base, (*self.steps, step))

    def broadcast(self, shape: tuple[int, ...]) -> Tensor:
        if shape == self.shape:
            return self
        return self.rearranged(lambda array: np.broadcast_to(array, shape))

    def with_constant(self, operation: str, constant: Array, swapped: bool = False) -> Tensor:
        """``self operation constant`` (or swapped) for +, -, * and /, exactly where float32 is exact."""
        shape = np.broadcast_shapes(self.shape, constant.shape)
        tensor, constant = self.broadcast(shape), np.broadcast_to(constant.astype(np.float32), shape)
        exact = None if tensor.steps else _exactly(tensor.base, operation, constant, swapped)
        if exact is not None:
            return Tensor(exact)
        function = FLOAT32[operation]
        step = (lambda x, c: function(c, x)) if swapped else function
        rising = operation == '+' or (operation == '-' and not swapped) or bool((constant > 0).all() and not swapped)
        return tensor.then(Step(step, (constant,), affine=rising))


FLOAT32: dict[str, Callable[..., Array]] = {
    '+': np.add,
    '-': np.subtract,
    '*': np.multiply,
    '/': np.divide,
}


def fused_multiply_add(x: Array, factor: Array, offset: Array) -> Array:
    """``x * factor + offset`` of float32 numbers, rounded once, as the instruction does it."""
    product = x.astype(np.float64) * factor.astype(np.float64)  # exact: 48 bits
    other = offset.astype(np.float64)
    total = product + other
    moved = total - product
    error = (product - (total - moved)) + (other - moved)
    # rounded to odd in float64, so that the second rounding sees on which side of a tie the sum is
    even = (total.view(np.int64) & 1) == 0
    odd = np.nextafter(total, np.where(error > 0, np.inf, -np.inf))
    return np.asarray(np.where((error != 0) & even, odd, total), dtype=np.float32)


def fits_float32(intervals: Sequence[Interval]) -> bool:
    """Whether float32 holds every value of the intervals."""
    return all(max(abs(interval.lo), abs(interval.hi)) <= SIGNIFICAND for interval in intervals)


def constant_bits(constant: Array) -> int:
    """Bits of the widest constant, all counted in the step of the finest one."""
    parts = [dyadic(number) for number in np.unique(constant).tolist()]
    finest = min((exp for n, exp in parts if n), default=0)
    return max(((abs(n) << (exp - finest)).bit_length() for n, exp in parts if n), default=0)


def _exactly(base: SymbolicArray, operation: str, constant: Array, swapped: bool) -> SymbolicArray | None:
    """The exact result, or None where float32 would round it.

    Numbers wider than float32 are sums whose order no reference defines; they go on exactly.
    """
    intervals = base.intervals()
    wide = not fits_float32(intervals)
    if operation == '/':
        if swapped or not _powers_of_two(constant):
            return None
        return _symbolic(base / constant.astype(np.float64))
    pairs = list(zip(intervals, (dyadic(number) for number in constant.reshape(-1).tolist()), strict=True))
    if operation == '*':
        if not all(abs(n) == 1 or max(-i.lo, i.hi) * abs(n) <= SIGNIFICAND for i, (n, _) in pairs):
            return None
        return _symbolic(base * constant.astype(np.float64))
    if not wide and not all(_sum_fits(interval, n, exp) for interval, (n, exp) in pairs):
        return None
    exact = constant.astype(np.float64)
    if operation == '+':
        return _symbolic(base + exact)
    return _symbolic(np.subtract(exact, base) if swapped else base - exact)


def _symbolic(result: Any) -> SymbolicArray:
    array: SymbolicArray = result  # what numpy's protocols return has no type
    return array


def _sum_fits(interval: Interval, n: int, exp: int) -> bool:
    if not n:
        return True
    try:
        finest = interval.at(min(interval.exp, exp))
    except FormatError:
        return False
    return max(-finest.lo, finest.hi) + (abs(n) << (exp - finest.exp)) <= SIGNIFICAND


def _powers_of_two(numbers: Array) -> bool:
    return bool((np.frexp(np.abs(numbers))[0] == 0.5).all())
