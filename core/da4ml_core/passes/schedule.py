"""Pipelining: the stage in which each op is computed, with an initiation interval of one and few register bits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from da4ml_core.errors import CodegenError
from da4ml_core.fixed import Interval
from da4ml_core.ir.cost import op_levels
from da4ml_core.ir.program import Program
from da4ml_core.passes.datapath import Window, demanded_windows, value_intervals

MAX_SWEEPS = 8  # few programs still change after the third


@dataclass(frozen=True, slots=True)
class Schedule:
    """A program and the pipeline stage of each op; a value used in a later stage passes through registers in between.

    Stages count from 0; registered inputs arrive in stage -1, and registered outputs are read in stage ``num_stages``.
    ``windows`` are the bits of each value that any output depends on: only those exist in hardware.
    """

    program: Program
    max_levels: int | None
    input_registers: bool
    output_registers: bool
    stages: tuple[int, ...]
    num_stages: int
    intervals: tuple[Interval, ...]
    windows: tuple[Window, ...]

    @property
    def latency_cycles(self) -> int:
        """Rising clock edges from an input to its output; 0 if there is no register."""
        return self.output_stage - self.input_stage

    @property
    def input_stage(self) -> int:
        return -1 if self.input_registers else 0

    @property
    def output_stage(self) -> int:
        """The stage in which the outputs are read."""
        return self.num_stages - 1 + self.output_registers

    @property
    def last_stages(self) -> tuple[int, ...]:
        """The last stage in which each value is used; its own if nothing uses it."""
        last = list(self.stages)
        for index, consumers in enumerate(_consumers(self.program, self.windows)):
            last[index] = max((self.stages[user] for user in consumers), default=last[index])
        for edge in self.program.outputs:
            last[edge.index] = self.output_stage
        return tuple(last)

    @property
    def register_bits(self) -> int:
        """Flip-flops of the pipeline."""
        lifetimes = (last - first for first, last in zip(self.stages, self.last_stages, strict=True))
        return sum(window.width_bits * life for window, life in zip(self.windows, lifetimes, strict=True))


def schedule(
    program: Program,
    max_levels: int | None,
    input_registers: bool = True,
    output_registers: bool = True,
) -> Schedule:
    """A pipeline with at most ``max_levels`` adder levels between registers and as few stages as that allows.

    None makes the program combinational, without any register. An op deeper than ``max_levels`` gets a stage to itself.
    Raises CodegenError for a ``max_levels`` below 1.
    """
    if max_levels is not None and max_levels < 1:
        raise CodegenError(
            f'a pipeline stage needs at least one adder level, not {max_levels}',
            hint='leave max_levels out (null) for a combinational design',
        )
    intervals = value_intervals(program)
    windows = demanded_windows(program, intervals)
    if max_levels is None:
        stages = [0] * program.num_ops
        num_stages = 1
        input_registers = output_registers = False
    else:
        placement = _Placement(program, windows, max_levels, input_registers, output_registers)
        placement.improve()
        stages, num_stages = placement.stages, placement.num_stages
    return Schedule(
        program,
        max_levels,
        input_registers,
        output_registers,
        tuple(stages),
        num_stages,
        intervals,
        windows,
    )


class _Placement:
    """Stages under improvement: first as soon as possible, then one op at a time to where fewer bits cross.

    ``levels[i]`` are the adder levels up to value i within its stage, ``tails[i]`` the levels after it in that stage.
    An op may stand in a stage if the levels before it, its own and those after it fit together.
    """

    def __init__(
        self,
        program: Program,
        windows: Sequence[Window],
        max_levels: int,
        input_registers: bool,
        output_registers: bool,
    ) -> None:
        size = program.num_ops
        self.widths = [window.width_bits for window in windows]
        self.costs = [op_levels(op) for op in program.ops]
        self.budget = max_levels
        # Constants and dead values have no hardware; they stay out of all the lists.
        self.operands = [
            sorted({edge.index for edge in op.operands if self.widths[edge.index]}) if width else []
            for op, width in zip(program.ops, self.widths, strict=True)
        ]
        self.consumers = _consumers(program, windows)
        self.levels = [0] * size
        self.tails = [0] * size
        first = -1 if input_registers else 0
        self.stages = [first if not op.operands else 0 for op in program.ops]
        self.movable = [index for index in range(size) if self.widths[index] and program.ops[index].operands]
        for index in self.movable:
            stage = self._earliest(index)
            level = self._level(index, stage)
            if level > self._limit(index):
                stage, level = stage + 1, self.costs[index]
            self.stages[index], self.levels[index] = stage, level
        self.num_stages = 1 + max((self.stages[index] for index in self.movable), default=0)
        last = self.num_stages - 1 + output_registers
        self.read_at: dict[int, int] = {edge.index: last for edge in program.outputs}

    def improve(self) -> None:
        """Move ops, backwards and forwards through the program, until no single move saves a register bit."""
        for sweep in range(MAX_SWEEPS):
            backwards = sweep % 2 == 0
            moved = False
            for index in reversed(self.movable) if backwards else self.movable:
                moved |= self._settle(index)
                self.tails[index] = self._tail(index, self.stages[index])
                self.levels[index] = self._level(index, self.stages[index])
            # The other direction's measure is stale where its neighbours moved later in the sweep.
            for index in self.movable if backwards else reversed(self.movable):
                if backwards:
                    self.levels[index] = self._level(index, self.stages[index])
                else:
                    self.tails[index] = self._tail(index, self.stages[index])
            if not moved and sweep > 0:
                return

    def _settle(self, index: int) -> bool:
        """Move one op to the best stage between its operands and its consumers; whether it moved."""
        earliest = self._earliest(index)
        latest = min((self.stages[user] for user in self.consumers[index]), default=self.num_stages - 1)
        if earliest == latest:
            return False
        here = self.stages[index]
        others = [(source, self._last_use(source, besides=index)) for source in self.operands[index]]
        end = self._last_use(index)
        best, best_bits = here, self._bits(index, here, end, others)
        for stage in range(earliest, latest + 1):
            bits = self._bits(index, stage, end, others)
            if bits < best_bits and self._level(index, stage) + self._tail(index, stage) <= self._limit(index):
                best, best_bits = stage, bits
        self.stages[index] = best
        return best != here

    def _bits(self, index: int, stage: int, end: int, others: Sequence[tuple[int, int]]) -> int:
        """Register bits of an op and its operands if it stands in ``stage``."""
        bits = self.widths[index] * (end - stage)
        for source, other_use in others:
            bits += self.widths[source] * max(other_use, stage)
        return bits

    def _last_use(self, index: int, besides: int = -1) -> int:
        uses = [self.stages[user] for user in self.consumers[index] if user != besides]
        return max(uses, default=-1) if index not in self.read_at else self.read_at[index]

    def _earliest(self, index: int) -> int:
        return max((0, *(self.stages[source] for source in self.operands[index])))

    def _limit(self, index: int) -> int:
        return max(self.budget, self.costs[index])

    def _level(self, index: int, stage: int) -> int:
        before = (self.levels[source] for source in self.operands[index] if self.stages[source] == stage)
        return max(before, default=0) + self.costs[index]

    def _tail(self, index: int, stage: int) -> int:
        after = (self.costs[user] + self.tails[user] for user in self.consumers[index] if self.stages[user] == stage)
        return max(after, default=0)


def _consumers(program: Program, windows: Sequence[Window]) -> list[list[int]]:
    """The live ops that read each live value."""
    consumers: list[list[int]] = [[] for _ in program.ops]
    for index, op in enumerate(program.ops):
        if windows[index].width_bits:
            for source in sorted({edge.index for edge in op.operands}):
                if windows[source].width_bits:
                    consumers[source].append(index)
    return consumers
