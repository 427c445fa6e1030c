"""One symbolic number: a value of the graph, scaled and signed for free, plus an exact constant not yet added."""

from __future__ import annotations

from typing import NamedTuple

from da4ml_core.fixed import Interval, sum_intervals

Dyadic = tuple[int, int]  # (n, exp) stands for n * 2**exp
ZERO: Dyadic = (0, 0)
NO_VALUE = -1


class Variable(NamedTuple):
    """``±value * 2**shift + constant``. Keeping the constant apart lets bias and rounding share one adder."""

    value: int = NO_VALUE
    shift: int = 0
    negated: bool = False
    constant: Dyadic = ZERO

    @property
    def is_constant(self) -> bool:
        return self.value == NO_VALUE

    def scaled(self, shift: int, negated: bool = False) -> Variable:
        """``±self * 2**shift``."""
        n, exp = self.constant
        constant = (-n if negated else n, exp + shift) if n else ZERO
        if self.is_constant:
            return Variable(constant=constant)
        return Variable(self.value, self.shift + shift, self.negated != negated, constant)

    def plus(self, constant: Dyadic) -> Variable:
        return self._replace(constant=add_dyadic(self.constant, constant))


class External(NamedTuple):
    """An element of an external input: a real number, which must be quantized before anything else."""

    position: int


def add_dyadic(a: Dyadic, b: Dyadic) -> Dyadic:
    """The exact sum, normalised: n is odd or zero."""
    exp = min(a[1], b[1])
    n = (a[0] << (a[1] - exp)) + (b[0] << (b[1] - exp))
    return normal_dyadic(n, exp)


def multiply_dyadic(a: Dyadic, b: Dyadic) -> Dyadic:
    return normal_dyadic(a[0] * b[0], a[1] + b[1])


def normal_dyadic(n: int, exp: int) -> Dyadic:
    if n == 0:
        return ZERO
    zeros = (n & -n).bit_length() - 1
    return n >> zeros, exp + zeros


def constant_interval(constant: Dyadic) -> Interval:
    n, exp = constant
    return Interval(n, n, exp)


def variable_interval(variable: Variable, values: list[Interval]) -> Interval:
    """The interval of a variable; ``values`` are those of the graph's values."""
    if variable.is_constant:
        return constant_interval(variable.constant)
    interval = values[variable.value].shifted(variable.shift, variable.negated)
    if variable.constant[0] == 0:
        return interval
    return sum_intervals([interval, constant_interval(variable.constant)])
