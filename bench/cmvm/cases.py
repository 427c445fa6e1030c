"""The matrices of the benchmark, each by the recipe that makes it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from da4ml_core.fixed import Interval


class Case(NamedTuple):
    """An n by n matrix of b-bit weights; ``extra`` is the peers' delay setting, None for no limit.

    Inputs of 8 bits are signed, narrower ones are not.
    """

    kind: str
    n: int
    bits: int
    extra: int | None
    input_bits: int = 8

    def matrix(self, seed: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        low, high, shape = -(2 ** (self.bits - 1)), 2 ** (self.bits - 1), (self.n, self.n)
        if self.kind == 'gauss':
            return np.clip(np.rint(rng.normal(0, high / 4, shape)), low, high - 1).astype(np.int64)
        if self.kind == 'laplace':
            return np.clip(np.rint(rng.laplace(0, high / 8, shape)), low, high - 1).astype(np.int64)
        if self.kind == 'paper':
            return rng.integers(129, 256, size=shape)
        matrix = rng.integers(low, high, size=shape)
        if self.kind.startswith('sparse'):
            matrix = matrix * (rng.random(shape) >= int(self.kind[6:]) / 100)
        return matrix

    @property
    def inputs(self) -> list[Interval]:
        lo, hi = (-128, 127) if self.input_bits == 8 else (0, 2**self.input_bits - 1)
        return [Interval(lo, hi)] * self.n

    @property
    def name(self) -> str:
        narrow = '' if self.input_bits == 8 else f', {self.input_bits}-bit inputs'
        return f'{self.kind} {self.n}, {self.bits}{narrow}, {"none" if self.extra is None else self.extra}'


LIMITS = {4: {8: (None,), 16: (None, 0), 32: (None,), 64: (None,)}}
LIMITS[8] = {8: (None,), 16: (None, 2, 0), 32: (None, 2, 0), 64: (None, 2, 0)}
SETS = {
    'random': [
        Case('uniform', n, bits, extra) for n in (8, 16, 32, 64) for bits in (4, 8) for extra in LIMITS[bits][n]
    ],
    'trained': [
        Case(kind, n, bits, None)
        for kind in ('gauss', 'laplace', 'sparse50', 'sparse80')
        for n, bits in ((16, 4), (16, 8), (32, 4), (32, 8))
    ],
    'paper': [Case('paper', 16, 8, extra) for extra in (None, 2, 0)],
    'narrow': [
        Case('uniform', n, bits, None, input_bits) for n in (16, 32, 64) for bits in (4, 8) for input_bits in (1, 2)
    ],
    'large': [Case('uniform', n, bits, extra) for n, bits, extra in ((128, 4, None), (128, 8, 0))],
}
