"""A results database beside the files that it was made from: records of runs, artifacts of stages; changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from da4ml_flow.errors import Da4mlError, Location, ResultsError
from da4ml_flow.results.metrics import METRICS
from da4ml_flow.results.record import (
    Artifact,
    RunRecord,
    StageRecord,
    StageRun,
    run_record_from_json,
    stage_record_from_json,
)
from da4ml_flow.results.store import Store, storable
from da4ml_flow.workspace import RECORD, hash_tree

REMEMBERED = 10_000  # artifacts and stages, which many runs share
_FORGOTTEN = ('settings', 'inputs', 'package_version')  # of a stage: the database has them of the run at most


class Audit:
    """What of a database was compared with files; what is not reachable from here is counted, and no problem."""

    def __init__(self, store: Store) -> None:
        self.problems: list[Da4mlError] = []
        self.runs = self.records = self.artifacts = self.unreachable = 0
        self._compared: set[tuple[Path, Artifact]] = set()
        self._stage_record = lru_cache(REMEMBERED)(_stage_record)
        for run in store.records():
            self.runs += 1
            self._compare(run)
            for stage in run.stages:
                if stage.record is not None and Path(stage.directory).is_dir():
                    self._hash_artifacts(run, stage, stage.record)

    def _compare(self, run: RunRecord) -> None:
        path = record_path(run)
        try:
            text = None if path is None else path.read_text(encoding='utf-8')
            if path is None or text is None:
                self.unreachable += 1
                return
            record = run_record_from_json(text, str(path))
        except (OSError, UnicodeDecodeError) as error:
            self._problem(f'run {run.uid}: its record cannot be read: {error}', path or Path())
        except Da4mlError as error:
            self.problems.append(error)
        else:
            self.records += 1
            differing = ', '.join(_differing(run, record))
            if differing:
                hint = '`da4ml-flow ingest` of that folder puts the record in the place of what the database has'
                self._problem(f'run {run.uid} is not what its record says: {differing}', path, hint)

    def _hash_artifacts(self, run: RunRecord, stage: StageRun, record: StageRecord) -> None:
        directory = Path(stage.directory)
        now = self._stage_record(directory)
        if now is not None and now.key == record.key and now.artifacts != record.artifacts:
            return  # the stage was forced since: the files are those of a later run
        for name, artifact in record.artifacts.items():
            path = directory / artifact.path
            if (path, artifact) in self._compared:
                continue  # of an earlier run that made it
            self._compared.add((path, artifact))
            self.artifacts += 1
            found = _hash(path)
            if found != (artifact.sha256, artifact.size):
                said = 'is missing' if found is None else 'was changed since'
                hint = 'the next build makes it again; of an imported run, import it again'
                self._problem(f'run {run.uid}: artifact {name!r} of {stage.stage} {said}', path, hint)

    def _problem(self, message: str, path: Path, hint: str = '') -> None:
        self.problems.append(ResultsError(message, location=Location(str(path)), hint=hint))


def record_path(run: RunRecord) -> Path | None:
    """The file of a run's record, beside the stages that it used, if it is reachable."""
    folders = {Path(stage.directory).parent / 'runs' for stage in run.stages if stage.directory}
    found = (folder / f'{run.uid}.json' for folder in sorted(folders))
    return next((path for path in found if path.exists()), None)


def _hash(path: Path) -> tuple[str, int] | None:
    try:
        return hash_tree(path)
    except OSError:
        return None


def _stage_record(directory: Path) -> StageRecord | None:
    path = directory / RECORD
    try:
        return stage_record_from_json(path.read_text(encoding='utf-8'), str(path))
    except (Da4mlError, OSError, UnicodeDecodeError):
        return None


def _differing(run: RunRecord, record: RunRecord) -> Iterator[str]:
    """Where they differ, of what the database keeps."""
    facts = [name for name in RunRecord.__dataclass_fields__ if name != 'stages']
    yield from (name for name in facts if getattr(run, name) != _stored(getattr(record, name)))
    if [stage.stage for stage in run.stages] != [stage.stage for stage in record.stages]:
        yield 'stages'
        return
    for ours, theirs in zip(run.stages, record.stages, strict=True):
        one, two = _kept(ours), _kept(theirs)
        yield from (f'{ours.stage}.{key}' for key in one if one[key] != two[key])


def _kept(stage: StageRun) -> dict[str, Any]:
    """What the database keeps of a stage; a run that was repeated may have found there what it made before."""
    found: dict[str, Any] = {'status': stage.status, 'directory': _stored(stage.directory)}
    found['message'] = _stored(stage.message)
    record = stage.record
    for name in StageRecord.__dataclass_fields__:
        if name not in _FORGOTTEN and name != 'message':
            found[name] = None if record is None else _stored(getattr(record, name))
    if record is not None:
        found['metrics'] = tuple(
            replace(metric, tool=_stored(metric.tool), part=_stored(metric.part))
            for metric in record.metrics
            if metric.name in METRICS
        )
        found['artifacts'] = {
            _stored(name): Artifact(_stored(item.path), item.sha256, item.size)
            for name, item in record.artifacts.items()
        }
        found['tools'] = tuple(tuple(_stored(part) for part in tool) for tool in record.tools)
    return found


def _stored(value: Any) -> Any:
    return storable(value) if isinstance(value, str) else value
