"""The reference MLP of the interpreter benchmark, 16-64-32-32-5, as layers of exact weights: no import but numpy."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

SIZES = (16, 64, 32, 32, 5)
INPUT_BITS = (True, 2, 5)  # signed, integer bits, fraction bits; hidden layers: ReLU, then dropped to these
HIDDEN_BITS = (False, 3, 5)


def layers() -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Kernel and bias of each layer: half of them zero, the others six-bit integers over 32."""
    rng = np.random.default_rng(2024)
    for shape in pairwise(SIZES):
        yield tuple(rng.integers(-32, 32, size) * (rng.random(size) >= 0.5) / 32 for size in (shape, shape[1]))


def samples(count: int) -> NDArray[np.float64]:
    return np.random.default_rng(7).uniform(-6, 6, (count, SIZES[0]))
