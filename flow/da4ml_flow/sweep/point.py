"""One point of a sweep: what decides it, the task of building it, and the record that it leaves."""

from __future__ import annotations

import json
import socket
import time
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

from da4ml_flow.config.model import BuildConfig
from da4ml_flow.config.text import plain_data
from da4ml_flow.errors import Da4mlError, Location, ResultsError, ToolError
from da4ml_flow.results.metrics import Metric
from da4ml_flow.results.record import canonical_json, digest
from da4ml_flow.runner.build import Request, build, standard_stages
from da4ml_flow.runner.keys import resolved, stage_key
from da4ml_flow.runner.provenance import now
from da4ml_flow.stages.base import Stage
from da4ml_flow.workspace import system_errors, write_durably

PointStatus = Literal['ok', 'no', 'failed', 'pruned']
Rung = Literal['estimate', 'synthesize', 'full']
BUG = 70
STAGES = ('trace', 'emit', 'hls', 'lint', 'simulate', 'synthesize', 'implement')
ALWAYS = ('trace', 'emit')
# what a rung leaves out: keys of the stages it runs are those of the whole build
LEFT_OUT: Mapping[str, tuple[str, ...]] = {
    'estimate': ('hls', 'lint', 'simulate', 'verify', 'synthesize', 'implement'),
    'synthesize': ('simulate', 'verify', 'implement'),
    'full': (),
}


def stages_of(config: BuildConfig, rung: Rung, done: Rung | None = None) -> tuple[str, ...]:
    """The stages that a rung runs, less those that an earlier rung has run."""
    run_already = () if done is None else [name for name in STAGES if name not in LEFT_OUT[done]]
    left_out = {*LEFT_OUT[rung], *run_already}
    return tuple(
        name for name in STAGES if name not in left_out and (name in ALWAYS or getattr(config, name) is not None)
    )


class Point(NamedTuple):
    """Values of the swept keys; ``key`` is the hash of them and of all that decides the result.

    Points of one ``family`` share their first stage. ``error`` is why it cannot be built at all.
    """

    key: str
    values: Mapping[str, Any]
    family: str
    error: str = ''


@dataclass(frozen=True, slots=True)
class PointRecord:
    """What became of a point: the run that built it has the details."""

    key: str
    values: Mapping[str, Any]
    status: PointStatus
    rung: Rung
    run_uid: str
    message: str
    exit_code: int
    metrics: tuple[Metric, ...]
    wall_s: float
    host: str
    finished: str
    prune: Mapping[str, Any] | None = None  # the rule that stopped it


def point_of(config: BuildConfig, values: Mapping[str, Any], stages: Sequence[Stage]) -> Point:
    """The point of a validated configuration; raises WorkspaceError if a file of it cannot be read."""
    keys = []
    for stage in stages:
        settings = stage.settings(config)
        if settings is not None:
            try:
                tools = stage.tools(config)
            except ToolError:
                tools = ()  # where the point is built they may be there; else it fails there, by name
            keys.append(stage_key(stage.name, resolved(settings), {}, tools))
    return Point(digest([dict(values), config.name, keys]), values, keys[0] if keys else '')


def task_of(point: Point, config: BuildConfig, root: Path, build_root: Path, rung: Rung = 'full') -> dict[str, Any]:
    """The work as JSON-ready data, for a process anywhere that sees the same files."""
    return {
        'key': point.key,
        'values': dict(point.values),
        'config': plain_data(config, root),
        'root': str(root),
        'build_root': str(build_root),
        'rung': rung,
    }


def run_task(task: Mapping[str, Any], stages: Sequence[Stage] | None = None) -> PointRecord:
    """Build a point; whatever goes wrong is a record too. Only a whole build's record is written to disk."""
    begin = time.monotonic()
    record = PointRecord(
        key=task['key'],
        values=task['values'],
        status='failed',
        rung=task['rung'],
        run_uid='',
        message='',
        exit_code=BUG,
        metrics=(),
        wall_s=0.0,
        host=socket.gethostname(),
        finished='',
    )
    root, build_root = Path(task['root']), Path(task['build_root'])
    try:
        config = BuildConfig.model_validate_json(json.dumps(task['config']), strict=True, context={'root': root})
        config = config.model_copy(update=dict.fromkeys(LEFT_OUT[task['rung']]))
        done = build(Request(config, root, build_root), standard_stages() if stages is None else stages)
        told = [error.message for error in done.errors] or [run.message for run in done.run.stages if run.message]
        record = replace(
            record,
            status='failed' if done.errors else 'no' if done.run.status == 'no' else 'ok',
            run_uid=done.run.uid,
            message=told[0] if told else '',
            exit_code=done.exit_code,
            metrics=done.run.metrics,
        )
    except Da4mlError as error:
        record = replace(record, message=error.message, exit_code=error.exit_code)
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f'{Path(place.filename).name}:{place.lineno}'
        record = replace(record, message=f'{type(error).__name__}: {error} ({where})')
    record = replace(record, wall_s=round(time.monotonic() - begin, 3), finished=now().isoformat())
    if task['rung'] == 'full':
        write_point(build_root, task['config']['name'], record)
    return record


def point_path(build_root: Path, name: str, key: str) -> Path:
    """Where the record of a point is; folders of some hundred files each."""
    return build_root / name / 'points' / key[:2] / f'{key}.json'


def write_point(build_root: Path, name: str, record: PointRecord) -> None:
    """Whole or not at all, and on disk for good; raises WorkspaceError."""
    path = point_path(build_root, name, record.key)
    with system_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        content = point_data(record)
        write_durably(path, json.dumps({'sha256': digest(content), 'point': content}, ensure_ascii=False))


def read_point(build_root: Path, name: str, key: str) -> PointRecord | None:
    """The record of a point; None if there is none, or a damaged one: then the point is built again."""
    path = point_path(build_root, name, key)
    with suppress(OSError, ValueError, KeyError, TypeError, Da4mlError):
        data = json.loads(path.read_text(encoding='utf-8'))
        if digest(data['point']) == data['sha256'] and data['point']['key'] == key:
            return point_from_data(data['point'])
    return None


def point_data(record: PointRecord) -> dict[str, Any]:
    """JSON-ready data of a record."""
    data: dict[str, Any] = {name: getattr(record, name) for name in PointRecord.__dataclass_fields__}
    data['metrics'] = [metric.data() for metric in record.metrics]
    plain: dict[str, Any] = json.loads(canonical_json(data))
    return plain


def point_from_data(data: Mapping[str, Any]) -> PointRecord:
    """Raises KeyError or TypeError on data that is no record, ResultsError on unknown metrics."""
    return PointRecord(**{**data, 'metrics': tuple(Metric(**item) for item in data['metrics'])})


def read_tasks(path: Path) -> list[dict[str, Any]]:
    """The tasks of a job array, a line each; raises ResultsError."""
    try:
        tasks = [json.loads(line) for line in path.read_text(encoding='utf-8').splitlines()]
    except (OSError, ValueError) as error:
        raise ResultsError(f'the tasks cannot be read: {error}', location=Location(str(path))) from None
    if not all(isinstance(task, dict) and set(task) == TASK_KEYS for task in tasks):
        raise ResultsError('these are no tasks of a sweep', location=Location(str(path)))
    return tasks


TASK_KEYS = {'key', 'values', 'config', 'root', 'build_root', 'rung'}
