from typing import Any

import numpy as np
from numpy.typing import NDArray

BEST_INSTRUCTION_SET: int

def run(
    words: NDArray[np.uint8],
    tables: NDArray[np.uint8],
    scratch_bytes: int,
    block_size: int,
    x: NDArray[Any],
    out: NDArray[Any],
    doubtful: NDArray[np.uint8],
    instruction_set: int,
) -> None: ...
