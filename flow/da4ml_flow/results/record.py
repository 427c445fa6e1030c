"""What a stage and a run leave behind, as JSON: the truth that the database is made from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, TypeVar

from da4ml_flow.errors import Da4mlError, Location, ResultsError
from da4ml_flow.results.metrics import Metric, ToolVersion

FORMAT = 1
Status = Literal['ok', 'no', 'failed', 'skipped', 'interrupted']
T = TypeVar('T')


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file or folder that a stage made; the path is from the stage's directory, a folder's hash is of its tree."""

    path: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class StageRecord:
    """A finished stage: everything that decided its result, and the result."""

    stage: str
    key: str
    settings: Mapping[str, Any]
    inputs: Mapping[str, str]  # artifact -> sha256
    artifacts: Mapping[str, Artifact]
    metrics: tuple[Metric, ...]
    tools: tuple[ToolVersion, ...]
    ok: bool
    message: str
    started: str  # UTC, ISO 8601
    wall_s: float
    package_version: str


@dataclass(frozen=True, slots=True)
class StageRun:
    """What one run did about a stage; ``record`` is there if the stage has a result, new or cached."""

    stage: str
    status: Status
    cached: bool = False
    wall_s: float = 0.0
    directory: str = ''  # of the result, or of what a failure left
    message: str = ''
    record: StageRecord | None = None


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One build: its configuration, where and by whom, and its stages."""

    uid: str
    name: str
    config: Mapping[str, Any]
    config_hash: str
    status: Status
    started: str
    wall_s: float
    host: str
    user: str
    git_commit: str | None
    git_dirty: bool | None
    package_version: str
    stages: tuple[StageRun, ...] = field(default=())

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return tuple(metric for stage in self.stages if stage.record for metric in stage.record.metrics)


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run as the database has it."""

    uid: str
    name: str
    status: str
    started: str
    wall_s: float
    git_commit: str | None
    git_dirty: bool | None
    package_version: str
    config_hash: str
    metrics: tuple[Metric, ...]


@dataclass(frozen=True, slots=True)
class MetricPoint:
    """One figure of one run, for its history."""

    uid: str
    name: str
    config_hash: str
    started: str
    git_commit: str | None
    git_dirty: bool | None
    stage: str
    tool: str
    part: str
    value: float


@dataclass(frozen=True, slots=True)
class StoredSweep:
    """A sweep as the database has it."""

    uid: str
    name: str
    definition: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StoredPoint:
    """A point of a sweep as the database has it; ``run`` is None if it never came to one."""

    key: str
    values: Mapping[str, Any]
    status: str
    rung: str
    message: str
    finished: str
    run: RunRecord | None


def canonical_json(data: Any) -> str:
    """The one text of this data; for hashing."""
    return json.dumps(data, sort_keys=True, separators=(',', ':'), ensure_ascii=False, allow_nan=False)


def digest(data: Any) -> str:
    """SHA-256 of JSON-ready data, in hexadecimal."""
    return hashlib.sha256(canonical_json(data).encode()).hexdigest()


def record_to_json(record: StageRecord | RunRecord, *, indent: int | None = 1) -> str:
    """The record with its format version and a checksum of itself; on one line without indent."""
    content = _plain(record)
    data = {'format': FORMAT, 'sha256': digest(content), 'record': content}
    return json.dumps(data, indent=indent, ensure_ascii=False)


def stage_record_from_json(text: str, path: str) -> StageRecord:
    """Raises ResultsError on text that is damaged or not a stage record."""
    return _decoded(text, path, _stage_record)


def run_record_from_json(text: str, path: str) -> RunRecord:
    """Raises ResultsError on text that is damaged or not a run record."""
    return _decoded(text, path, _run_record)


def _plain(record: StageRecord | RunRecord) -> Any:
    def unfrozen(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {str(key): unfrozen(item) for key, item in value.items()}
        if isinstance(value, ToolVersion):
            return value._asdict()
        if isinstance(value, list | tuple):
            return [unfrozen(item) for item in value]
        if hasattr(value, '__dataclass_fields__'):
            return {name: unfrozen(getattr(value, name)) for name in value.__dataclass_fields__}
        return value

    return unfrozen(record)


def _decoded(text: str, path: str, build: Callable[[Any], T]) -> T:
    try:
        data = json.loads(text)
        version = data['format']
        if isinstance(version, int) and version > FORMAT:
            raise ResultsError(
                f'a record of format {version}, this version knows {FORMAT}',
                location=Location(path),
                hint='update da4ml-flow',
            )
        if version != FORMAT or digest(data['record']) != data['sha256']:
            raise ResultsError('a damaged record: its checksum does not fit', location=Location(path))
        return build(data['record'])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        if isinstance(error, Da4mlError):
            raise
        raise ResultsError(f'not a record: {error!r}', location=Location(path)) from None


def _stage_record(data: Any) -> StageRecord:
    return StageRecord(
        **{
            **data,
            'settings': MappingProxyType(data['settings']),
            'inputs': MappingProxyType(data['inputs']),
            'artifacts': MappingProxyType({name: Artifact(**item) for name, item in data['artifacts'].items()}),
            'metrics': tuple(Metric(**item) for item in data['metrics']),
            'tools': tuple(ToolVersion(**item) for item in data['tools']),
        }
    )


def _run_record(data: Any) -> RunRecord:
    stages = tuple(
        StageRun(**{**item, 'record': _stage_record(item['record']) if item['record'] else None})
        for item in data['stages']
    )
    return RunRecord(**{**data, 'stages': stages})
