"""Where the registers of a pipeline stand: each op in the stage that makes their bits the fewest possible.

A value of w bits that is made in stage s and last used in stage t needs w·(t - s) register bits. The sum of these is
minimized over all stages in which no op comes before its operands and no path within a stage is longer than the
limit: a linear program over difference constraints (Leiserson and Saxe, 1991). `docs/pipelining.md` has the method.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from da4ml_core.errors import CodegenError
from da4ml_core.ir.program import Program
from da4ml_core.passes._retime import Retiming
from da4ml_core.passes.datapath import Window

Stages = tuple[int, ...]


def earliest_stages(program: Program, windows: Sequence[Window], delays: Sequence[int], limit: int) -> int:
    """The fewest stages without a path longer than ``limit``; a single delay above that counts as ``limit``."""
    return _network(program, windows, [min(delay, limit) for delay in delays], 0).earliest(limit)


def shortest_limit(program: Program, windows: Sequence[Window], delays: Sequence[int], num_stages: int) -> int:
    """The least limit on the paths within a stage that ``num_stages`` stages can keep."""
    network = _network(program, windows, delays, 0)
    low, high = max(delays, default=0), sum(delays)
    while low < high:
        middle = (low + high) // 2
        if network.earliest(middle) <= num_stages:
            high = middle
        else:
            low = middle + 1
    return low


def retime(
    program: Program,
    windows: Sequence[Window],
    delays: Sequence[int],
    limit: int,
    num_stages: int,
    input_stage: int,
) -> Stages:
    """Stages 0 to ``num_stages - 1`` of all ops, inputs in ``input_stage``, with the fewest register bits.

    ``windows`` are the bits of each value that exist; what has none stays in the stage where inputs are. Outputs are
    read at the end. Delays, in the unit of ``limit``, are clamped to it: such an op gets a stage to itself. Raises
    CodegenError if so few stages cannot keep the limit.
    """
    network = _network(program, windows, [min(delay, limit) for delay in delays], input_stage)
    fewest = network.earliest(limit)
    if fewest > num_stages:
        raise CodegenError(f'{num_stages} pipeline stages are too few for the limit on their delay: it takes {fewest}')
    while network.ascend(num_stages - 1):
        pass
    return tuple(network.stages)


def _network(program: Program, windows: Sequence[Window], delays: Sequence[int], input_stage: int) -> Retiming:
    operands = array('i')
    start = array('i', [0])
    for op, window in zip(program.ops, windows, strict=True):
        if window.width_bits:
            operands.extend(sorted({edge.index for edge in op.operands if windows[edge.index].width_bits}))
        start.append(len(operands))
    outputs = {edge.index for edge in program.outputs}
    return Retiming(
        array('q', [window.width_bits for window in windows]),
        array('q', delays),
        start,
        operands,
        array('B', [not op.operands for op in program.ops]),
        array('B', [index in outputs for index in range(program.num_ops)]),
        array('i', [0 if op.operands else input_stage for op in program.ops]),
    )
