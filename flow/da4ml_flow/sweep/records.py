"""The records of a campaign, packed: a driver holds 10^5 of them."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, overload

from da4ml_flow.results.metrics import Metric
from da4ml_flow.sweep.point import PointRecord, PointStatus, Rung

LONGEST_MESSAGE = 500


class _Layout(NamedTuple):
    """What records of one kind have in common: the swept keys, and what their figures are."""

    keys: tuple[str, ...]
    figures: tuple[tuple[str, str, str, str, str], ...]  # name, unit, stage, tool, part


class _Row(NamedTuple):
    key: bytes
    layout: _Layout
    values: tuple[Any, ...]
    figures: bytes  # float64, in the order of the layout
    whole: int  # bit i: figure i is an integer
    status: PointStatus
    rung: Rung
    run_uid: str
    message: str
    exit_code: int
    wall_s: float
    host: str
    finished: str
    prune: Any


class Records(Sequence[PointRecord]):
    """Records in the order in which they came, some 0.6 KB each; each is made anew when it is asked for.

    Of the figures only the wanted ones are kept, of the message its beginning.
    """

    def __init__(self, wanted: frozenset[str]) -> None:
        self._wanted = wanted
        self._rows: list[_Row] = []
        self._layouts: dict[_Layout, _Layout] = {}

    def append(self, record: PointRecord) -> None:
        kept = [metric for metric in record.metrics if metric.name in self._wanted]
        layout = _Layout(tuple(record.values), tuple((m.name, m.unit, m.stage, m.tool, m.part) for m in kept))
        self._rows.append(
            _Row(
                bytes.fromhex(record.key),
                self._layouts.setdefault(layout, layout),
                tuple(sys.intern(value) if isinstance(value, str) else value for value in record.values.values()),
                array('d', [metric.value for metric in kept]).tobytes(),
                sum(isinstance(metric.value, int) << place for place, metric in enumerate(kept)),
                record.status,
                record.rung,
                record.run_uid,
                record.message[:LONGEST_MESSAGE],
                record.exit_code,
                record.wall_s,
                sys.intern(record.host),
                record.finished,
                record.prune,
            )
        )

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[PointRecord]:
        return map(_unpacked, self._rows)

    @overload
    def __getitem__(self, index: int) -> PointRecord: ...
    @overload
    def __getitem__(self, index: slice) -> list[PointRecord]: ...
    def __getitem__(self, index: int | slice) -> PointRecord | list[PointRecord]:
        if isinstance(index, slice):
            return [_unpacked(row) for row in self._rows[index]]
        return _unpacked(self._rows[index])


def _unpacked(row: _Row) -> PointRecord:
    values = array('d', row.figures)
    return PointRecord(
        key=row.key.hex(),
        values=dict(zip(row.layout.keys, row.values, strict=True)),
        status=row.status,
        rung=row.rung,
        run_uid=row.run_uid,
        message=row.message,
        exit_code=row.exit_code,
        metrics=tuple(
            Metric(name, int(value) if row.whole >> place & 1 else value, unit, stage, tool, part)
            for place, ((name, unit, stage, tool, part), value) in enumerate(
                zip(row.layout.figures, values, strict=True)
            )
        ),
        wall_s=row.wall_s,
        host=row.host,
        finished=row.finished,
        prune=row.prune,
    )
