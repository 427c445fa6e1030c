"""Instructions to microcode: buffers shared by values that are never alive together, in one flat array."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from da4ml_core.interp.assembler import LANE_BITS, Instruction, Register

LANES = len(LANE_BITS)
LANE_BYTES = tuple(bits // 8 for bits in LANE_BITS)
WORD = np.dtype(  # struct Instruction of machine.hh
    [(name, np.int32) for name in ('code', 'd', 'a', 'b', 'c', 'l', 'm', 'n')] + [('p', np.int64), ('q', np.int64)]
)


class Microcode(NamedTuple):
    """Words of the machine and the tables they read; buffer addresses are in bytes per sample of a block."""

    words: NDArray[np.void]
    bytes_per_sample: int
    tables: NDArray[np.uint8]
    operations: int  # on each sample
    block: int | None = None  # the samples of a block, where the words depend on it
    library: Any = None  # what the addresses in the words belong to

    def scaled(self, block_size: int) -> NDArray[np.uint8]:
        """The words as bytes, with the addresses that they have for a block of that many samples."""
        words = self.words.copy()
        for name in ('d', 'a', 'b', 'c'):
            words[name] *= block_size
        return words.view(np.uint8)


class Step(NamedTuple):
    """What one word of the machine reads and writes."""

    reads: Sequence[Register]
    writes: Sequence[Register]


class Layout:
    """A buffer for every register that steps read or write, the one most recently freed first.

    ``in_place``: a result may take the place of an operand, as every instruction reads a lane before it writes it.
    """

    def __init__(self, steps: Sequence[Step], *, in_place: bool) -> None:
        self._slots, counts = _allocate(steps, in_place)
        self._bases = [0] * LANES  # widest first, so that all buffers are aligned
        self.bytes_per_sample = 0
        for lane in reversed(range(LANES)):
            self._bases[lane] = self.bytes_per_sample
            self.bytes_per_sample += counts[lane] * LANE_BYTES[lane]

    def address(self, register: Register) -> int:
        """Of a register's buffer, in bytes per sample of a block."""
        return self._bases[register.lane] + self._slots[register.number] * LANE_BYTES[register.lane]


class Words:
    """Instructions packed one after another, with the tables that they read."""

    def __init__(self, layout: Layout) -> None:
        self.tables = Tables()
        self._layout = layout
        self._rows: list[tuple[int, ...]] = []

    def append(self, instruction: Instruction) -> None:
        kind, lane, result, operands, shifts, p, q, table = instruction
        if table:
            p, shifts = self.tables.place(table, lane), (len(table) - 1,)
        target = 0 if result is None else self._layout.address(result)
        addresses = (*map(self._layout.address, operands), 0, 0, 0)[:3]
        self._rows.append((kind * LANES + lane, target, *addresses, *(*shifts, 0, 0, 0)[:3], p, q))

    def packed(self) -> NDArray[np.void]:
        words = np.zeros(len(self._rows), dtype=WORD)
        words[:] = self._rows
        return words


def assemble(code: Sequence[Instruction]) -> Microcode:
    """A word for each instruction."""
    steps = [Step(each.operands, () if each.result is None else (each.result,)) for each in code]
    layout = Layout(steps, in_place=True)
    words = Words(layout)
    for instruction in code:
        words.append(instruction)
    return Microcode(words.packed(), layout.bytes_per_sample, words.tables.content(), len(code))


class Tables:
    """Tables one after another in memory, each content once for each lane that reads it."""

    def __init__(self) -> None:
        self._offsets: dict[tuple[int, tuple[int, ...]], int] = {}
        self._parts: list[bytes] = []
        self._size = 0

    def place(self, table: tuple[int, ...], lane: int) -> int:
        """Where a table is, in bytes from the start."""
        key = (lane, table)
        if key not in self._offsets:
            part = np.array(table, dtype=f'i{LANE_BYTES[lane]}').tobytes()
            part += bytes(-len(part) % max(LANE_BYTES))
            self._offsets[key] = self._size
            self._parts.append(part)
            self._size += len(part)
        return self._offsets[key]

    def content(self) -> NDArray[np.uint8]:
        return np.frombuffer(b''.join(self._parts), dtype=np.uint8)


def _allocate(steps: Sequence[Step], in_place: bool) -> tuple[dict[int, int], list[int]]:
    """A slot of its lane's pool for each register, and the size of each pool."""
    last_use = {register.number: position for position, step in enumerate(steps) for register in step.reads}
    slots: dict[int, int] = {}
    free: list[list[int]] = [[] for _ in range(LANES)]
    counts = [0] * LANES

    def release(registers: Iterable[Register], position: int) -> None:
        for register in dict.fromkeys(registers):
            if last_use.get(register.number, position) == position:
                free[register.lane].append(slots[register.number])

    for position, (reads, writes) in enumerate(steps):
        if in_place:
            release(reads, position)
        for register in writes:
            pool = free[register.lane]
            if pool:
                slots[register.number] = pool.pop()
            else:
                slots[register.number] = counts[register.lane]
                counts[register.lane] += 1
        release(writes if in_place else (*reads, *writes), position)
    return slots, counts
