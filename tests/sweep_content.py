"""What the database of a sweep says, less what differs from run to run: two sweeps with the same content are equal."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

LOGS = "a.name LIKE '%~_log' ESCAPE '~'"  # of tools, which write times
TIMES = ('trace_s', 'solve_s', 'synth_s', 'cpu_s', 'peak_mb')


def content(database: Path) -> list[tuple]:
    """All that a database holds of points, less times and ids, in an order of its own."""
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute(
            'SELECT p.id, p.key, p."values", p.status, p.rung, p.message, r.name, r.config, r.config_hash, r.status,'
            ' r.package_version, r.id FROM sweep_point p LEFT JOIN run r ON r.id = p.run_id ORDER BY p.key'
        ).fetchall()
        found = []
        for _, *row, run in rows:
            metrics = connection.execute(
                'SELECT stage, tool, part, name, unit, value FROM metric WHERE run_id = ?'
                f' AND name NOT IN ({", ".join("?" * len(TIMES))}) ORDER BY id',
                (run, *TIMES),
            ).fetchall()
            stages = connection.execute(
                'SELECT s.stage, s.key, s.status, s.message, a.name, a.path,'
                f' CASE WHEN {LOGS} THEN NULL ELSE a.sha256 END, CASE WHEN {LOGS} THEN NULL ELSE a.size END'
                ' FROM stage_run s'
                ' LEFT JOIN artifact a ON a.stage_run_id = s.id WHERE s.run_id = ? ORDER BY s.id, a.name',
                (run,),
            ).fetchall()
            found.append((*row, tuple(metrics), tuple(stages)))
        return found
