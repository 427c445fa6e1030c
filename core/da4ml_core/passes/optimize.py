"""The pass manager: simplifies until nothing changes, verifies the result, and shows what each pass returned."""

from __future__ import annotations

from collections.abc import Callable

from da4ml_core.device import DEFAULT_DEVICE, Device
from da4ml_core.device import device as known_device
from da4ml_core.ir.collection import collector_rests
from da4ml_core.ir.cost import depth
from da4ml_core.ir.program import Program
from da4ml_core.ir.verify import verify
from da4ml_core.passes.canonicalize import canonicalize
from da4ml_core.passes.collapse_cones import collapse_cones
from da4ml_core.passes.compact_tables import compact_tables
from da4ml_core.passes.dead_code import eliminate_dead_code
from da4ml_core.passes.fold_constants import fold_constants
from da4ml_core.passes.fuse_sums import fuse_sums
from da4ml_core.passes.narrow import narrow, tables_hold
from da4ml_core.passes.order import order
from da4ml_core.passes.share import share
from da4ml_core.passes.simplify_arithmetic import simplify_arithmetic
from da4ml_core.passes.simplify_choices import simplify_choices
from da4ml_core.passes.sink_constants import sink_constants

Pass = Callable[[Program], Program]

ROUND: tuple[Pass, ...] = (
    narrow,
    fold_constants,
    canonicalize,
    simplify_arithmetic,
    simplify_choices,
    compact_tables,
    share,
    eliminate_dead_code,
)
MAX_ROUNDS = 16  # each makes the program smaller or is the last; more than five have not been seen


def optimize(
    program: Program,
    device: Device | None = None,
    ternary: bool = False,
    watch: Callable[[str, Program], None] | None = None,
) -> Program:
    """The same function of the inputs by fewer and smaller operations; the program should be verified.

    With ``ternary``, adders are fused where the device has some of three operands. ``watch`` is given the name of each
    pass that changed something, and what it returned, verified. Raises VerificationError for a mistake of a pass.
    """
    with collector_rests():
        manager = _Manager(watch)
        last = _last(device or known_device(DEFAULT_DEVICE), ternary)
        for _ in range(MAX_ROUNDS):
            for each in ROUND * MAX_ROUNDS:
                program = manager.run(program, each)
                if all(manager.final.get(known) is program for known in ROUND):
                    break
            simplified = program
            for each in last:
                program = manager.run(program, each)
            if program is simplified:
                program = manager.run(program, order)
                if program is simplified:
                    break
        return verify(program)


def sunk_constants(program: Program) -> Program:
    """Constants sunk into their sums where that makes the program less deep."""
    sunk = sink_constants(program)
    return sunk if depth(sunk) < depth(program) else program


def _last(device: Device, ternary: bool) -> tuple[Pass, ...]:
    def collapse(program: Program) -> Program:
        collapsed = collapse_cones(program, device)
        return program if collapsed is program or depth(collapsed) > depth(program) else collapsed

    def fuse(program: Program) -> Program:
        return fuse_sums(program, device)

    return (sunk_constants, collapse, fuse) if ternary else (sunk_constants, collapse)


class _Manager:
    """Runs passes; what each returns has the ranges that can be proved of it, and is shown if someone watches."""

    def __init__(self, watch: Callable[[str, Program], None] | None) -> None:
        self.watch = watch
        self.final: dict[Pass, Program] = {}  # what each pass would not change

    def run(self, program: Program, each: Pass) -> Program:
        """What a pass returns; nothing is run that is known to change nothing.

        A change is not made if it takes away the proof that the operand of a table stays within it.
        """
        if self.final.get(each) is program:
            return program
        after = each(program)
        if each is not narrow and after != program:
            after = narrow(after)
        if after == program or not tables_hold(after):
            self.final[each] = program
            return program
        self.final[narrow] = after
        if self.watch is not None:
            self.watch(each.__name__, verify(after))
        return after
