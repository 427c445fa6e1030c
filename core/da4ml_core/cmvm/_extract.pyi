from typing import Any

from numpy.typing import NDArray

def extract(
    row_start: NDArray[Any],
    terms: NDArray[Any],
    levels: NDArray[Any],
    exps: NDArray[Any],
    lows: NDArray[Any],
    highs: NDArray[Any],
    slack: NDArray[Any],
    power: NDArray[Any],
    base: int,
    limited: bool,
    radix: int,
    width_weight: float,
    overhead: float,
    policy: int,
    seed: int,
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]: ...
