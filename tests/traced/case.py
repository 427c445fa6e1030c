"""What a case is: inputs and an expression that hypothesis draws, traced and compared with numpy on exact numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import strategies as st

from da4ml_core.fixed import FixedType
from da4ml_core.interp.reference import evaluate
from da4ml_core.trace import SolverOptions, SymbolicArray, Tracer

SOLVER = SolverOptions(effort='fast')
SAMPLES = 4
MAX_ELEMENTS = 12


@dataclass
class Source:
    """An input: its shape, its type, and codes of its samples."""

    shape: tuple[int, ...]
    kind: FixedType
    codes: np.ndarray
    integer: bool

    def numbers(self, sample: int) -> np.ndarray:
        if self.integer:
            return self.codes[sample] << max(-self.kind.frac_bits, 0)
        return np.ldexp(self.codes[sample].astype(float), -self.kind.frac_bits)


@dataclass
class Draw:
    """What a case draws from: sizes, numbers, axes; and the inputs that it has asked for."""

    draw: Callable[[st.SearchStrategy[Any]], Any]
    sources: list[Source] = field(default_factory=list)

    def integer(self, low: int, high: int) -> int:
        return self.draw(_integers(low, high))

    def flag(self) -> bool:
        return self.draw(_FLAGS)

    def pick(self, options: Any) -> Any:
        return options[self.integer(0, len(options) - 1)]

    def numpy(self) -> np.random.Generator:
        """For many numbers at once, where what they are matters less than that they vary."""
        return np.random.default_rng(self.integer(0, 2**32 - 1))

    def shape(self, least: int = 0, most: int = 3, extent: int = 4) -> tuple[int, ...]:
        shape: tuple[int, ...] = ()
        for _ in range(self.integer(least, most)):
            shape = (*shape, self.integer(1, max(1, min(extent, MAX_ELEMENTS // math.prod(shape)))))
        return shape

    def partner(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """A shape that broadcasts with another."""
        kept = shape[self.integer(0, len(shape)) :]
        return tuple(1 if self.integer(0, 3) == 0 else extent for extent in kept)

    def input(
        self, shape: tuple[int, ...], integer: bool = False, width: int = 6, signed: bool | None = None
    ) -> tuple[int, ...]:
        """One more array for the expression; its samples are extremes and random codes."""
        sign = self.flag() if signed is None else signed
        magnitude = self.integer(0 if sign else 1, width - sign)
        frac = self.integer(-1, 0) if integer else self.integer(-2, 4)
        kind = FixedType(sign, magnitude - frac, frac)
        low, high, _ = kind.interval
        codes = self.numpy().integers(low, high + 1, (SAMPLES, *shape))
        codes[0] = self.pick((low, high))
        self.sources.append(Source(shape, kind, codes, integer))
        return shape

    def constant(self, shape: tuple[int, ...] = (), integer: bool = False, low: int = -9, high: int = 9) -> Any:
        """Numbers of few bits; without axes a Python number."""
        array = self.numpy().integers(low, high + 1, shape)
        array = array if integer else array / 2.0 ** self.integer(-1, 3)
        return array if shape else array.item()

    def nonzero(self, shape: tuple[int, ...] = ()) -> Any:
        rng = self.numpy()
        array = rng.integers(1, 10, shape) * rng.choice([-1, 1], shape) / 2.0 ** self.integer(-1, 3)
        return array if shape else float(array)

    def axis(self, ndim: int) -> int:
        return self.integer(-ndim, ndim - 1)

    def axes(self, ndim: int) -> Any:
        """None, an axis, or several."""
        form = self.integer(0, 3) if ndim else 0
        if form == 0:
            return None
        if form == 1:
            return self.axis(ndim)
        chosen = self.numpy().permutation(ndim)[: self.integer(1, ndim)]
        return tuple(int(axis) - ndim * self.flag() for axis in chosen)


_FLAGS = st.booleans()
_RANGES: dict[tuple[int, int], st.SearchStrategy[int]] = {}


def _integers(low: int, high: int) -> st.SearchStrategy[int]:
    return _RANGES.setdefault((low, high), st.integers(low, high))


Expression = Callable[..., Any]
Build = Callable[[Draw], Expression | tuple[Expression, Expression]]


@dataclass(frozen=True)
class Case:
    """An expression over inputs; the pair of one for symbolic arrays and one for numpy, where these differ."""

    name: str
    covers: tuple[Any, ...]
    build: Build


CASES: dict[str, Case] = {}


def case(*covers: Any, name: str = '') -> Callable[[Build], Build]:
    """Put a case into the registry, with the functions that it is there for."""

    def register(build: Build) -> Build:
        label = name or build.__name__
        if label in CASES:
            raise ValueError(f'two cases are called {label}')
        CASES[label] = Case(label, covers, build)
        return build

    return register


def covered() -> set[Any]:
    return {function for entry in CASES.values() for function in entry.covers}


def check(entry: Case, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
    """Draw a case, trace it, and compare the program with numpy: numbers, shapes, and what is bool."""
    drawn = Draw(draw)
    built = entry.build(drawn)
    expression, reference = built if isinstance(built, tuple) else (built, built)
    expected = [_listed(_run(reference, drawn, sample)) for sample in range(SAMPLES)]
    tracer = Tracer('case', solver=SOLVER)
    inputs = [tracer.input(source.shape).quantize(*source.kind) for source in drawn.sources]
    results = _listed(_quiet(expression, inputs))
    if len(results) != len(expected[0]):
        raise AssertionError(f'{len(results)} results, not {len(expected[0])}')
    for result, numbers in zip(results, expected[0], strict=True):
        if np.shape(numbers) != tuple(result.shape):
            raise AssertionError(f'shape {result.shape}, not {np.shape(numbers)}')
        if isinstance(result, SymbolicArray) and result.truth != (np.asarray(numbers).dtype == np.bool_):
            raise AssertionError(f'truth is {result.truth}, numpy gives {np.asarray(numbers).dtype}')
    symbolic = [place for place, result in enumerate(results) if isinstance(result, SymbolicArray) and result.size]
    for place in set(range(len(results))) - set(symbolic):
        if not isinstance(results[place], SymbolicArray):
            np.testing.assert_array_equal(results[place], expected[0][place])
    if not symbolic:
        return
    program = tracer.finish([results[place] for place in symbolic])
    exponents = [interval.exp for interval in program.output_intervals]
    flat = [source.codes.reshape(SAMPLES, -1) for source in drawn.sources]
    for sample in range(SAMPLES):
        elements = [int(code) for codes in flat for code in codes[sample]]
        found = evaluate(program, [elements[port.position] for _, port in program.input_ops()])
        wanted = [number for place in symbolic for number in np.asarray(expected[sample][place]).reshape(-1).tolist()]
        for code, exp, number in zip(found, exponents, wanted, strict=True):
            if Fraction(code) * Fraction(2) ** exp != Fraction(number):
                raise AssertionError(f'sample {sample}: {found} * 2^{exponents}, not {wanted}')


def _run(reference: Expression, drawn: Draw, sample: int) -> Any:
    return _quiet(reference, [source.numbers(sample) for source in drawn.sources])


def _quiet(expression: Expression, inputs: list[Any]) -> Any:
    with np.errstate(all='ignore'):
        return expression(*(array.copy() for array in inputs))


def _listed(result: Any) -> list[Any]:
    return list(result) if isinstance(result, (tuple, list)) else [result]
