"""Instructions to microcode: buffers shared by values that are never alive together, in one flat array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from da4ml_core.interp.assembler import LANE_BITS, Instruction

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

    def scaled(self, block_size: int) -> NDArray[np.uint8]:
        """The words as bytes, with the addresses that they have for a block of that many samples."""
        words = self.words.copy()
        for name in ('d', 'a', 'b', 'c'):
            words[name] *= block_size
        return words.view(np.uint8)


def assemble(code: Sequence[Instruction]) -> Microcode:
    """Give every register a buffer, the one most recently freed first, and pack the instructions."""
    slots, counts = _allocate(code)
    bases = [0] * LANES  # widest first, so that all buffers are aligned
    total = 0
    for lane in reversed(range(LANES)):
        bases[lane] = total
        total += counts[lane] * LANE_BYTES[lane]
    words = np.zeros(len(code), dtype=WORD)
    rows = []
    tables = _Tables()
    for instruction in code:
        kind, lane, result, operands, shifts, p, q, table = instruction
        if table:
            p, shifts = tables.place(table, lane), (len(table) - 1,)
        addresses = [bases[r.lane] + slots[r.number] * LANE_BYTES[r.lane] for r in operands]
        target = 0 if result is None else bases[lane] + slots[result.number] * LANE_BYTES[lane]
        padded = (*(*addresses, 0, 0, 0)[:3], *(*shifts, 0, 0, 0)[:3])
        rows.append((kind * LANES + lane, target, *padded, p, q))
    words[:] = rows
    return Microcode(words, total, tables.content())


class _Tables:
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


def _allocate(code: Sequence[Instruction]) -> tuple[dict[int, int], list[int]]:
    """A slot of its lane's pool for each register, and the size of each pool."""
    last_use: dict[int, int] = {}
    for position, instruction in enumerate(code):
        for register in instruction.operands:
            last_use[register.number] = position
    slots: dict[int, int] = {}
    free: list[list[int]] = [[] for _ in range(LANES)]
    counts = [0] * LANES
    for position, instruction in enumerate(code):
        for register in dict.fromkeys(instruction.operands):
            if last_use[register.number] == position:
                free[register.lane].append(slots[register.number])
        result = instruction.result
        if result is None:
            continue
        pool = free[result.lane]
        if pool:  # perhaps an operand's: every instruction reads a lane before it writes it
            slots[result.number] = pool.pop()
        else:
            slots[result.number] = counts[result.lane]
            counts[result.lane] += 1
        if result.number not in last_use:
            pool.append(slots[result.number])
    return slots, counts
