"""Tables of exact numbers, and the edge of values that they are looked up with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

from da4ml_core.fixed import Interval

MAX_ENTRIES = 1 << 20


@dataclass(frozen=True, slots=True)
class Table:
    """Entries, each an integer of any size in steps of ``2**exp``; tables of the same content are the same."""

    entries: tuple[int, ...] = field(compare=False, repr=False)
    exp: int = 0
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        content = ','.join(map(hex, self.entries))
        object.__setattr__(self, 'digest', sha256(content.encode()).hexdigest())

    def __len__(self) -> int:
        return len(self.entries)

    @classmethod
    def of(cls, codes: Sequence[int], exp: int = 0) -> Table:
        """The same numbers in the coarsest step that holds them all."""
        bits = 0
        for code in codes:
            bits |= code
        zeros = (bits & -bits).bit_length() - 1 if bits else 0
        return cls(tuple(code >> zeros for code in codes), exp + zeros if bits else 0)


class Lookup(NamedTuple):
    """Entry i of the table is the result where the operand is ``(first + i) * 2**exp``."""

    table: Table
    first: int
    exp: int = 0

    @property
    def domain(self) -> Interval:
        """The operands that have an entry."""
        return Interval(self.first, self.first + len(self.table) - 1, self.exp)

    def reachable(self, operand: Interval) -> tuple[int, ...]:
        """The entries for the codes of an operand, from its lowest to its highest; it lies within the domain."""
        return _reachable(self, operand)

    def bounds(self, operand: Interval) -> Interval:
        """The tightest interval of the results for an operand."""
        return _bounds(self, operand)


@lru_cache(maxsize=256)
def _reachable(lookup: Lookup, operand: Interval) -> tuple[int, ...]:
    stride = 1 if operand.is_constant else 1 << (operand.exp - lookup.exp)
    lo, hi, _ = operand.at(lookup.exp)
    return lookup.table.entries[lo - lookup.first : hi - lookup.first + 1 : stride]


@lru_cache(maxsize=4096)
def _bounds(lookup: Lookup, operand: Interval) -> Interval:
    entries = _reachable(lookup, operand)
    return Interval(min(entries), max(entries), lookup.table.exp)
