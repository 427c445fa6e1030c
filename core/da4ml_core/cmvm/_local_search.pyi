from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

class LocalSearch:
    def __init__(
        self,
        levels: NDArray[Any],
        exps: NDArray[Any],
        lows: NDArray[Any],
        highs: NDArray[Any],
        forms: NDArray[Any],
        joins: NDArray[Any],
        row_start: NDArray[Any],
        terms: NDArray[Any],
        deadlines: Sequence[int] | None,
        radix: int,
        seed: int,
        total: int,
        adder_weight: float,
        hot: float,
        cold: float,
        noise: float,
    ) -> None: ...
    @property
    def sound(self) -> bool: ...
    @property
    def cost(self) -> float: ...
    @property
    def counts(self) -> tuple[int, int]: ...
    def advance(self, until: int) -> None: ...
    def graph(self) -> dict[int, list[tuple[int, int, int]]]: ...
