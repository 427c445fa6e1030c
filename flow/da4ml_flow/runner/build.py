"""One build: the stages in order, each from the cache or run, failures kept for the end where the rest can go on."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from da4ml_core.errors import FrontendError
from da4ml_flow.config.model import BuildConfig
from da4ml_flow.config.text import plain_data
from da4ml_flow.errors import Da4mlError, FlowError, ResultsError, StageFailed, ToolNotFound
from da4ml_flow.results.metrics import ToolVersion
from da4ml_flow.results.record import (
    RunRecord,
    StageRecord,
    StageRun,
    Status,
    digest,
    record_to_json,
    run_record_from_json,
)
from da4ml_flow.runner.keys import package_version, resolved, stage_key
from da4ml_flow.runner.provenance import now, provenance
from da4ml_flow.stages.base import Stage, StageContext, StageOutcome
from da4ml_flow.stages.state import State
from da4ml_flow.workspace import Workspace, system_errors, write_durably


class Listener:
    """Hears how a build goes; does nothing by itself."""

    def begin(self, stage: str) -> None:
        """A stage is about to run: it was not in the cache."""

    def progress(self, stage: str, text: str) -> None:
        """One line of what a stage does."""

    def end(self, run: StageRun) -> None:
        """A stage has its result, or will have none."""

    def error(self, error: Da4mlError) -> None:
        """A stage failed; the build goes on with what does not need it."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to build, and where.

    ``root`` is the folder of the configuration; ``model_place`` says where in it the model is named, for messages.
    """

    config: BuildConfig
    root: Path
    build_root: Path
    until: str | None = None
    force: frozenset[str] = frozenset()
    model_place: str = ''


@dataclass(frozen=True, slots=True)
class Build:
    """How a build ended; ``reused`` if every stage was there and the run is an earlier one."""

    run: RunRecord
    errors: tuple[Da4mlError, ...]
    reused: bool

    @property
    def exit_code(self) -> int:
        """0, 1 if a result is no, else that of the first error."""
        if self.errors:
            return self.errors[0].exit_code
        return 1 if self.run.status == 'no' else 0


class Step(NamedTuple):
    """A stage that was asked for, with the settings of this build and the tools found."""

    stage: Stage
    settings: Mapping[str, Any]
    tools: tuple[ToolVersion, ...]


def standard_stages() -> tuple[Stage, ...]:
    """The stages of a build, in order."""
    from da4ml_flow.stages.collect import Collect
    from da4ml_flow.stages.emit import Emit
    from da4ml_flow.stages.hls import Hls
    from da4ml_flow.stages.implement import Implement
    from da4ml_flow.stages.lint import Lint
    from da4ml_flow.stages.simulate import Simulate
    from da4ml_flow.stages.synthesize import Synthesize
    from da4ml_flow.stages.trace import Trace
    from da4ml_flow.stages.verify import Verify

    return Trace(), Emit(), Hls(), Lint(), Simulate(), Verify(), Synthesize(), Implement(), Collect()


def build(request: Request, stages: Sequence[Stage], listener: Listener | None = None) -> Build:
    """Run what is not there yet; raises before anything runs if a tool is missing or a stage is unknown."""
    listener = listener or Listener()
    begin = time.monotonic()
    started = now()
    steps = plan(request, stages)
    workspace = Workspace(request.build_root.absolute(), request.config.name)
    runs: list[StageRun] = []
    errors: list[Da4mlError] = []
    state = State()

    def finish(status: Status | None = None) -> tuple[RunRecord, bool]:
        return _record_run(request, workspace, runs, started.isoformat(), time.monotonic() - begin, status)

    try:
        for step in steps:
            run, error = _run_step(step, request, workspace, state, listener)
            runs.append(run)
            if error is not None:
                errors.append(error)
                listener.error(error)
            listener.end(run)
            state = state.without(step.stage.replaces)
            if run.record is not None:
                state = state.adding(
                    {name: Path(run.directory) / item.path for name, item in run.record.artifacts.items()},
                    {name: item.sha256 for name, item in run.record.artifacts.items()},
                )
    except (KeyboardInterrupt, SystemExit):
        finish('interrupted')
        raise
    record, reused = finish()
    return Build(record, tuple(errors), reused)


def plan(request: Request, stages: Sequence[Stage]) -> list[Step]:
    """The stages asked for, with their tools; raises FlowError or ToolNotFound."""
    names = [stage.name for stage in stages]
    for name in (*([request.until] if request.until else []), *sorted(request.force)):
        if name not in names:
            raise FlowError(f'there is no stage {name!r}', hint=f'stages: {", ".join(names)}')
    last = names.index(request.until) if request.until else len(stages) - 1
    steps: list[Step] = []
    absent: list[ToolNotFound] = []
    for stage in stages[: last + 1]:
        settings = stage.settings(request.config)
        if settings is None:
            continue
        try:
            steps.append(Step(stage, settings, stage.tools(request.config)))
        except ToolNotFound as error:
            absent.append(error)
    if absent:
        first, *others = {error.message: error for error in absent}.values()
        notes = [*first.notes, *(f'{other.message}: {other.hint}' for other in others)]
        raise ToolNotFound(
            first.message, location=first.location, context=first.context, notes=notes, hint=first.hint
        ) from None
    if request.until and (not steps or steps[-1].stage.name != request.until):
        raise FlowError(
            f'the configuration does not ask for the stage {request.until!r}', hint=f'add the section {request.until}:'
        )
    return steps


def cached_stages(request: Request, stages: Sequence[Stage]) -> tuple[str, ...]:
    """The stages of a build that are there already; builds nothing. Raises as `build` does before it begins."""
    workspace = Workspace(request.build_root.absolute(), request.config.name)
    state, found = State(), []
    for step in plan(request, stages):
        if state.missing(step.stage.inputs):
            state = state.without(step.stage.replaces)
            continue
        visible = state.only(step.stage.inputs)
        key = stage_key(step.stage.name, resolved(step.settings), visible.hashes, step.tools)
        record, _ = workspace.find(step.stage.name, key)
        state = state.without(step.stage.replaces)
        if record is not None:
            directory = workspace.directory(record.stage, record.key)
            state = state.adding(
                {name: directory / item.path for name, item in record.artifacts.items()},
                {name: item.sha256 for name, item in record.artifacts.items()},
            )
            found.append(record.stage)
    return tuple(found)


def _run_step(
    step: Step, request: Request, workspace: Workspace, state: State, listener: Listener
) -> tuple[StageRun, Da4mlError | None]:
    stage, name = step.stage, step.stage.name
    missing = state.missing(stage.inputs)
    if missing:
        return StageRun(name, 'skipped', message=f'needs {", ".join(missing)}'), None
    visible = state.only(stage.inputs)
    try:
        with system_errors(request.root):
            settings = resolved(step.settings)
        key = stage_key(name, settings, visible.hashes, step.tools)
        with workspace.lock(name, key, lambda: listener.progress(name, 'waiting for another build of the same')):
            if name not in request.force:
                found, damage = workspace.find(name, key)
                if found is not None:
                    return _stage_run(found, workspace, cached=True), None
                if damage:
                    listener.progress(name, f'the cached result is damaged ({damage}): it is made again')
            listener.begin(name)
            begin = time.monotonic()
            try:
                record = _execute(step, settings, key, request, workspace, visible, listener)
            except Da4mlError as error:
                work, kept = workspace.work_directory(name, key), workspace.keep_failed(name, key)
                asked = request.model_place if isinstance(error, FrontendError) else ''
                failure = StageFailed(name, error, work, kept, [f'asked for at {asked}'] if asked else [])
                wall_s = round(time.monotonic() - begin, 3)
                return StageRun(name, 'failed', False, wall_s, str(kept or ''), failure.message), failure
            return _stage_run(record, workspace, cached=False), None
    except Da4mlError as error:
        return StageRun(name, 'failed', message=error.message), error


def _execute(
    step: Step,
    settings: Mapping[str, Any],
    key: str,
    request: Request,
    workspace: Workspace,
    state: State,
    listener: Listener,
) -> StageRecord:
    name = step.stage.name
    work = workspace.begin(name, key)
    begin, started = time.monotonic(), now()
    try:
        with system_errors(work):
            outcome: StageOutcome = step.stage.run(
                StageContext(
                    request.config,
                    state.paths,
                    work,
                    lambda text: listener.progress(name, text),
                    workspace.earlier(name, key),
                )
            )
            record = StageRecord(
                stage=name,
                key=key,
                settings=settings,
                inputs=state.hashes,
                artifacts=MappingProxyType({}),
                metrics=outcome.metrics,
                tools=outcome.tools or step.tools,
                ok=outcome.ok,
                message=outcome.message,
                started=started.isoformat(),
                wall_s=round(time.monotonic() - begin, 3),
                package_version=package_version(),
            )
            return workspace.commit(record, outcome.artifacts)
    except (KeyboardInterrupt, SystemExit):
        workspace.keep_failed(name, key)
        raise
    except Da4mlError:
        raise
    except Exception as error:
        kept = workspace.keep_failed(name, key)
        if kept is not None:
            error.add_note(f'stage {name}: its files are kept in {kept}')
        raise


def _stage_run(record: StageRecord, workspace: Workspace, *, cached: bool) -> StageRun:
    directory = workspace.directory(record.stage, record.key)
    status: Status = 'ok' if record.ok else 'no'
    wall_s = 0.0 if cached else record.wall_s
    return StageRun(record.stage, status, cached, wall_s, str(directory), record.message, record)


def _record_run(
    request: Request, workspace: Workspace, runs: Sequence[StageRun], started: str, wall_s: float, status: Status | None
) -> tuple[RunRecord, bool]:
    """Write the record of the run; if nothing had to run, the earlier run that it repeats is the answer."""
    config = plain_data(request.config, request.root)
    config_hash = digest(config)
    identity = digest([config_hash, [[run.stage, run.record.key if run.record else None] for run in runs]])[:8]
    folder = workspace.root / 'runs'
    if runs and status is None and all(run.cached for run in runs):
        earlier = _latest(folder, identity)
        if earlier is not None:
            return replace(earlier, stages=tuple(runs)), True
    if status is None:
        found = {run.status for run in runs}
        status = 'failed' if found & {'failed', 'skipped'} else 'no' if 'no' in found else 'ok'
    where = provenance(request.root)
    record = RunRecord(
        uid=_uid(identity),
        name=request.config.name,
        config=config,
        config_hash=config_hash,
        status=status,
        started=started,
        wall_s=round(wall_s, 3),
        host=where.host,
        user=where.user,
        git_commit=where.git_commit,
        git_dirty=where.git_dirty,
        package_version=package_version(),
        stages=tuple(runs),
    )
    with system_errors(folder):
        folder.mkdir(exist_ok=True)
        write_durably(folder / f'{record.uid}.json', record_to_json(record))
    return record, False


def _uid(identity: str) -> str:
    """A name that sorts by time; builds of the same that end in the same millisecond, here or elsewhere, differ."""
    return f'{identity}-{now():%Y%m%dT%H%M%S%f}'[:-3] + f'-{secrets.token_hex(3)}'


def _latest(folder: Path, identity: str) -> RunRecord | None:
    for path in sorted(folder.glob(f'{identity}-*.json'), reverse=True):
        try:
            return run_record_from_json(path.read_text(encoding='utf-8'), str(path))
        except (ResultsError, OSError, UnicodeDecodeError):
            continue
    return None
