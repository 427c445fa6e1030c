"""Small traced programs, and what they compute as exact numbers."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

import da4ml_core as dc


def traced(
    function: Callable[[Any], Any],
    shape: tuple[int, ...] = (4,),
    signed: bool = True,
    int_bits: int = 3,
    frac_bits: int = 2,
) -> dc.Program:
    """A function of one input of the type given."""
    tracer = dc.Tracer('spot', dc.SolverOptions(effort='fast'))
    return dc.Program.of(tracer.finish(function(tracer.input(shape).quantize(signed, int_bits, frac_bits))))


def samples(shape: tuple[int, ...] = (4,), seed: int = 0) -> np.ndarray:
    """Numbers of the default type of :func:`traced`."""
    return np.random.default_rng(seed).integers(-32, 32, (50, *shape)) / 4


def exact(program: dc.Program, x: Any) -> list[list[Fraction]]:
    """The outputs of each sample, however many bits they have."""
    codes = program.predict(np.asarray(x, dtype=object), codes=True)
    return [
        [Fraction(int(code)) * Fraction(2) ** interval.exp for code, interval in zip(row, intervals, strict=True)]
        for row in codes.reshape(len(codes), -1)
        for intervals in [program.output_intervals]
    ]


def matrix_is(kernel: Any) -> bool:
    """Whether the product by a kernel is that by its exact numbers."""
    kernel = np.asarray(kernel)
    x = samples((kernel.shape[0],))
    weights = [[Fraction(weight) for weight in row] for row in kernel.tolist()]
    columns = list(zip(*weights, strict=True))
    wanted = [[sum(Fraction(v) * w for v, w in zip(row, column, strict=True)) for column in columns] for row in x]
    return exact(traced(lambda a: a @ kernel, (kernel.shape[0],)), x) == wanted


def same_as_numpy(function: Callable[[Any], Any], shape: tuple[int, ...] = (4,)) -> bool:
    """Whether a function of symbolic values gives what it gives of numbers."""
    x = samples(shape)
    return np.array_equal(traced(function, shape).predict(x), np.array([function(row) for row in x]))
