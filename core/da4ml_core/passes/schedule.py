"""Pipelining: the stage in which each op is computed, with an initiation interval of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from da4ml_core.device import DEFAULT_DEVICE, DEVICES, Device
from da4ml_core.errors import CodegenError
from da4ml_core.fixed import Interval
from da4ml_core.ir.cost import edge_intervals, op_levels
from da4ml_core.ir.program import Program
from da4ml_core.passes.datapath import Window, demanded_windows, value_intervals
from da4ml_core.passes.delay import op_delays_ps
from da4ml_core.passes.retime import earliest_stages, retime, shortest_limit


@dataclass(frozen=True, slots=True)
class Schedule:
    """A program and the pipeline stage of each op; a value used in a later stage passes through registers in between.

    Stages count from 0; registered inputs arrive in stage -1, and registered outputs are read in stage ``num_stages``.
    ``windows`` are the bits of each value that any output depends on: only those exist in hardware. ``delay_ns`` is
    the longest path by the model of the device, from register to register if there are any.
    """

    program: Program
    input_registers: bool
    output_registers: bool
    stages: tuple[int, ...]
    num_stages: int
    intervals: tuple[Interval, ...]
    windows: tuple[Window, ...]
    delay_ns: float

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


@dataclass(frozen=True, slots=True)
class Limits:
    """What a pipeline must keep, at most one of them; none: a combinational design.

    ``max_levels`` adder levels or ``max_delay_ns`` between two registers, with as few stages as that allows (an op
    above the limit gets a stage to itself); or a number of ``stages``, or as many as fit into ``latency_ns`` at a
    clock of ``clock_ns``, each as short as so many can be. Times are those of the device's model.
    """

    max_levels: int | None = None
    max_delay_ns: float | None = None
    stages: int | None = None
    latency_ns: float | None = None
    clock_ns: float | None = None

    @property
    def given(self) -> tuple[str, ...]:
        names = ('max_levels', 'max_delay_ns', 'stages', 'latency_ns')
        return tuple(name for name in names if getattr(self, name) is not None)


def schedule(
    program: Program,
    max_levels: int | None = None,
    input_registers: bool = True,
    output_registers: bool = True,
    *,
    max_delay_ns: float | None = None,
    stages: int | None = None,
    latency_ns: float | None = None,
    clock_ns: float | None = None,
    device: Device = DEVICES[DEFAULT_DEVICE],
) -> Schedule:
    """A pipeline with the fewest register bits that its limit and its latency allow; see :class:`Limits`.

    Raises CodegenError for limits that exclude each other or that nothing can keep.
    """
    limits = Limits(max_levels, max_delay_ns, stages, latency_ns, clock_ns)
    _check(limits, device)
    intervals = value_intervals(program)
    windows = demanded_windows(program, intervals)
    times = op_delays_ps(program, intervals, windows, device)
    if limits.given:
        delays = [op_levels(op, edge_intervals(program, op)) for op in program.ops] if max_levels is not None else times
        registers = input_registers + output_registers
        limit, num_stages = _limit_and_stages(program, windows, delays, limits, registers, device)
        placed = retime(program, windows, delays, limit, num_stages, -1 if input_registers else 0)
    else:
        input_registers = output_registers = False
        placed, num_stages = (0,) * program.num_ops, 1
    delay_ps = _longest_path(program, windows, times, placed)
    clocked = num_stages - 1 + input_registers + output_registers > 0
    delay_ns = delay_ps / 1000 + (device.register_delay_ns if clocked else 0)
    if latency_ns is not None and clock_ns is not None and delay_ns > clock_ns:
        raise CodegenError(
            f'{num_stages} stages fit into latency_ns of {latency_ns:g}, and take {delay_ns:.2f} ns each on '
            f'{device.name}: more than the clock of {clock_ns:g} ns',
            hint='allow more latency, or a slower clock',
        )
    return Schedule(
        program, input_registers, output_registers, placed, num_stages, intervals, windows, round(delay_ns, 3)
    )


def _check(limits: Limits, device: Device) -> None:
    if len(limits.given) > 1:
        raise CodegenError(f'{" and ".join(limits.given)} are limits of a pipeline', hint='give one of them')
    if limits.max_levels is not None and limits.max_levels < 1:
        raise CodegenError(
            f'a pipeline stage needs at least one adder level, not {limits.max_levels}',
            hint='leave max_levels out (null) for a combinational design',
        )
    if limits.max_delay_ns is not None and not limits.max_delay_ns > device.register_delay_ns:
        raise CodegenError(
            f'max_delay_ns of {limits.max_delay_ns:g} leaves no time for logic',
            hint=f'registers alone take {device.register_delay_ns:g} ns on {device.name}',
        )
    if limits.stages is not None and limits.stages < 1:
        raise CodegenError(f'a pipeline has at least one stage, not {limits.stages}')
    if limits.latency_ns is not None and not (limits.clock_ns and limits.clock_ns > 0):
        raise CodegenError('latency_ns needs clock_ns: so many cycles fit into it')


def _limit_and_stages(
    program: Program,
    windows: Sequence[Window],
    delays: Sequence[int],
    limits: Limits,
    registers: int,
    device: Device,
) -> tuple[int, int]:
    """The longest path allowed within a stage, in the unit of the delays, and the number of stages."""
    if limits.max_levels is not None:
        limit = limits.max_levels
        return limit, earliest_stages(program, windows, delays, limit)
    if limits.max_delay_ns is not None:
        limit = max(1, int(1000 * (limits.max_delay_ns - device.register_delay_ns) + 0.5))
        return limit, earliest_stages(program, windows, delays, limit)
    num_stages = limits.stages
    if num_stages is None:
        budget, clock_ns = limits.latency_ns or 0.0, limits.clock_ns or 1.0
        cycles = int(budget / clock_ns + 1e-9)
        num_stages = cycles + 1 - registers
        if num_stages < 1:
            raise CodegenError(
                f'latency_ns of {budget:g} is {cycles} cycles of {clock_ns:g} ns: too few for the registers asked for',
                hint='allow more latency, or leave out the registers of inputs or outputs',
            )
    return shortest_limit(program, windows, delays, num_stages), num_stages


def _longest_path(program: Program, windows: Sequence[Window], delays: Sequence[int], stages: Sequence[int]) -> int:
    """The longest path within a stage, in the unit of the delays."""
    ready = [0] * program.num_ops
    for index, op in enumerate(program.ops):
        if windows[index].width_bits:
            before = (ready[edge.index] for edge in op.operands if stages[edge.index] == stages[index])
            ready[index] = max(before, default=0) + delays[index]
    return max(ready, default=0)


def _consumers(program: Program, windows: Sequence[Window]) -> list[list[int]]:
    """The live ops that read each live value."""
    consumers: list[list[int]] = [[] for _ in program.ops]
    for index, op in enumerate(program.ops):
        if windows[index].width_bits:
            for source in sorted({edge.index for edge in op.operands}):
                if windows[source].width_bits:
                    consumers[source].append(index)
    return consumers
