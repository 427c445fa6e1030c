from typing import Any

from numpy.typing import NDArray

def build(
    levels: NDArray[Any],
    exps: NDArray[Any],
    lows: NDArray[Any],
    highs: NDArray[Any],
    joins: NDArray[Any],
    row_start: NDArray[Any],
    terms: NDArray[Any],
    order: NDArray[Any],
    deadlines: NDArray[Any],
    limited: bool,
    power: NDArray[Any],
    max_operands: int,
    window: int,
) -> tuple[NDArray[Any], NDArray[Any], float]: ...
