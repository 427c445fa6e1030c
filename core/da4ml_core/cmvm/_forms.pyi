from typing import Any

from numpy.typing import NDArray

def digit_counts(numbers: NDArray[Any]) -> NDArray[Any]: ...
def distances(columns: NDArray[Any], shifts: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]: ...
def evaluate(
    adders: NDArray[Any],
    roots: NDArray[Any],
    inputs: int,
    lows: NDArray[Any],
    highs: NDArray[Any],
    exps: NDArray[Any],
    bases: NDArray[Any],
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]: ...
