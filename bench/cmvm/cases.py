"""The matrices of the benchmark, each by the recipe that makes it, and what the peers were once recorded to need."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Case(NamedTuple):
    """An n by n matrix of b-bit weights; ``extra`` is the peers' delay setting, None for no limit."""

    kind: str
    n: int
    bits: int
    extra: int | None

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


class Recorded(NamedTuple):
    """Means over seeds 0, 1, 2, recorded on one thread of a Zen 3 machine."""

    adders: float
    depth: float
    cpu_s: float


RANDOM = {
    Case('uniform', 8, 4, None): (Recorded(52.7, 5.7, 0.003), Recorded(54.7, 5.0, 0.002)),
    Case('uniform', 8, 8, None): (Recorded(101.3, 8.3, 0.008), Recorded(103.7, 6.3, 0.006)),
    Case('uniform', 16, 4, None): (Recorded(200.3, 7.0, 0.023), Recorded(201.3, 6.7, 0.015)),
    Case('uniform', 16, 4, 0): (Recorded(215.3, 5.0, 0.008), Recorded(215.7, 6.0, 0.008)),
    Case('uniform', 16, 8, None): (Recorded(359.7, 10.0, 0.080), Recorded(367.0, 8.7, 0.057)),
    Case('uniform', 16, 8, 2): (Recorded(362.0, 8.0, 0.053), Recorded(374.7, 7.3, 0.058)),
    Case('uniform', 16, 8, 0): (Recorded(393.3, 6.0, 0.028), Recorded(397.0, 7.0, 0.026)),
    Case('uniform', 32, 4, None): (Recorded(743.3, 11.7, 0.31), Recorded(748.7, 7.3, 0.21)),
    Case('uniform', 32, 8, None): (Recorded(1322, 14.0, 1.16), Recorded(1351, 10.0, 1.00)),
    Case('uniform', 32, 8, 2): (Recorded(1341, 9.0, 0.71), Recorded(1366, 8.7, 0.87)),
    Case('uniform', 32, 8, 0): (Recorded(1436, 7.0, 0.35), Recorded(1447, 8.0, 0.45)),
    Case('uniform', 64, 4, None): (Recorded(2744, 8.0, 7.2), Recorded(2749, 9.0, 5.3)),
    Case('uniform', 64, 8, None): (Recorded(4851, 15.7, 28.7), Recorded(4923, 10.0, 22.1)),
    Case('uniform', 64, 8, 2): (Recorded(4877, 9.3, 15.4), Recorded(4923, 10.0, 17.9)),
    Case('uniform', 64, 8, 0): (Recorded(5190, 8.0, 6.7), Recorded(5273, 9.3, 8.6)),
}
TRAINED_LIKE = [
    Case(kind, n, bits, None)
    for kind in ('gauss', 'laplace', 'sparse50', 'sparse80')
    for n, bits in ((16, 4), (16, 8), (32, 4), (32, 8))
]
PAPER = [Case('paper', 16, 8, extra) for extra in (None, 2, 0)]
