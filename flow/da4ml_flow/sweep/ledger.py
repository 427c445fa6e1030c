"""Points of a sweep in the results database: made from their records, each once, however often that is repeated."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property

from da4ml_flow.errors import ResultsError
from da4ml_flow.results.place import Place
from da4ml_flow.results.record import RunRecord, StoredPoint, StoredSweep, run_record_from_json
from da4ml_flow.results.store import Store
from da4ml_flow.sweep.campaign import Plan
from da4ml_flow.sweep.point import PointRecord


class Ledger:
    """Takes records of points, with the runs that built them, a transaction a batch."""

    def __init__(self, plan: Plan, database: Place) -> None:
        sweep = plan.loaded.config.sweep
        definition = {} if sweep is None else sweep.model_dump(mode='json')
        self._sweep = StoredSweep(plan.uid, plan.loaded.config.name, definition)
        self._runs = plan.build_root / plan.loaded.config.name / 'runs'
        self._database = database

    def keep(self, records: Sequence[PointRecord]) -> None:
        """Record what is not there yet; raises ResultsError."""
        # a point is kept once a call: what is known of it is needed no longer
        new = [record for record in records if self._known.pop(record.key, None) != record.finished]
        if new:
            points = [StoredPoint(r.key, r.values, r.status, r.rung, r.message, r.finished, self._run(r)) for r in new]
            self._store.record_points(self._sweep, points)

    @cached_property
    def _store(self) -> Store:
        return Store(self._database, create=True)

    @cached_property
    def _known(self) -> dict[str, str]:
        return self._store.points(self._sweep.uid)

    def _run(self, record: PointRecord) -> RunRecord | None:
        path = self._runs / f'{record.run_uid}.json'
        with suppress(OSError, UnicodeDecodeError, ResultsError):
            return run_record_from_json(path.read_text(encoding='utf-8'), str(path))
        return None
