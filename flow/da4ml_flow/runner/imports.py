"""Runs made elsewhere: our own records, and the reports in project folders of anyone, as run records."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

from da4ml_flow.eda.report_file import METADATA, SUFFIXES, ReportFile, read_report_file
from da4ml_flow.errors import Da4mlError, Location, ReportParseError, ResultsError
from da4ml_flow.results.metrics import Metric, ToolVersion, measure
from da4ml_flow.results.record import Artifact, RunRecord, StageRecord, StageRun, digest, run_record_from_json
from da4ml_flow.runner.keys import package_version
from da4ml_flow.runner.provenance import provenance
from da4ml_flow.workspace import LOCKS, RECORD, hash_tree

# folders that tools make inside a project: the project is above the topmost of them
_INSIDE = re.compile(r'output_.*|reports?|.*\.runs|solution\d*')
_OF_HLS = re.compile(r'.*_(prj|hls)')  # above the solutions of HLS, and inside the project of whoever wrote the C++
_SUMMARIES = ('csynth.rpt', 'csynth.xml')  # beside them are reports of each module
_UNFINISHED = ('.work', '.failed', '.old')  # stages of this flow that have no result
_STAGES = ('emit', 'hls', 'synthesize', 'place', 'implement')
LINES = '.jsonl'  # a file of records, one a line
_SKIPPED = {'.git', LOCKS, '__pycache__', 'node_modules'}


@dataclass(frozen=True, slots=True)
class Found:
    """What is in a tree: runs, what is wrong with files of it, and how many files were looked at."""

    runs: tuple[RunRecord, ...]
    problems: tuple[Da4mlError, ...]
    files: int


def read_records(root: Path) -> Found:
    """The run records below a folder, of any builds, or in a file of them; a damaged one is a problem."""
    runs: dict[str, RunRecord] = {}
    problems: list[Da4mlError] = []
    count = 0
    for path in _files(root, problems, results=True):
        lines = path == root and path.suffix == LINES
        if not lines and (path.parent.name != 'runs' or path.suffix != '.json'):
            continue
        count += 1
        try:
            for place, text in _texts(path, lines=lines):
                try:
                    run = run_record_from_json(text, place)
                except Da4mlError as error:
                    problems.append(error)
                else:
                    runs[run.uid] = run
        except (OSError, UnicodeDecodeError) as error:
            problems.append(ResultsError(f'a record that cannot be read: {error}', location=Location(str(path))))
    return Found(tuple(runs.values()), tuple(problems), count)


def _texts(path: Path, *, lines: bool) -> Iterator[tuple[str, str]]:
    """The records of a file, each with where it is."""
    if not lines:
        yield str(path), path.read_text(encoding='utf-8')
        return
    with path.open(encoding='utf-8', newline='\n') as file:
        for number, line in enumerate(file, 1):
            yield f'{path}:{number}', line


def read_tree(root: Path) -> Found:
    """Both: the run records below a folder, and a run for each project with reports that no record is of."""
    records, reports = read_records(root), read_reports(root)
    problems = {str(problem): problem for problem in (*records.problems, *reports.problems)}  # a folder refuses both
    return Found((*records.runs, *reports.runs), tuple(problems.values()), records.files + reports.files)


def read_reports(root: Path) -> Found:
    """A run for each project with reports below a folder; the same reports always are the same run.

    A damaged report is a problem, and so are two that disagree about a figure, which then is left out. Stages that
    this flow keeps are passed over: their runs have records.
    """
    problems: list[Da4mlError] = []
    projects: dict[Path, dict[Path, ReportFile]] = {}
    count = 0
    for path in _files(root, problems, results=False):
        if path.suffix not in SUFFIXES and path.name != METADATA:
            continue
        count += 1
        try:
            report = read_report_file(path)
        except Da4mlError as error:
            problems.append(error)
        else:
            if report is not None:
                projects.setdefault(_project(path, root), {})[path] = report
    runs = [_run(folder, _without_modules(reports), problems) for folder, reports in sorted(projects.items())]
    return Found(tuple(runs), tuple(problems), count)


def _files(root: Path, problems: list[Da4mlError], *, results: bool) -> Iterator[Path]:
    """The files below a folder in a fixed order; links to folders are not followed."""

    def refused(error: OSError) -> None:
        problems.append(ResultsError(f'a folder that cannot be read: {error.strerror}', location=_place(error)))

    if root.is_file():
        yield root
        return
    for folder, names, files in os.walk(root, onerror=refused):
        if not results and RECORD in files:
            names.clear()
            continue
        if not results and LOCKS in names:  # builds of ours: what has no record is no result
            names[:] = [name for name in names if name != 'runs' and not name.endswith(_UNFINISHED)]
        names[:] = sorted(name for name in names if name not in _SKIPPED)
        yield from (Path(folder) / name for name in sorted(files))


def _place(error: OSError) -> Location:
    return Location(str(error.filename))


def _project(path: Path, root: Path) -> Path:
    """The folder of the project that a report belongs to."""
    folder = path.parent
    inside = path.relative_to(root).parts[:-1] if path != root else ()
    for position, name in enumerate(inside):
        if _INSIDE.fullmatch(name):
            by_hls = name.startswith('solution') and position > 0 and _OF_HLS.fullmatch(inside[position - 1])
            return root.joinpath(*inside[: position - bool(by_hls)])
    return folder


def _without_modules(reports: Mapping[Path, ReportFile]) -> Mapping[Path, ReportFile]:
    """The reports but for those that HLS writes of the modules of a design beside the summary of the whole."""
    tops: dict[Path, set[str]] = {}
    for path, report in reports.items():
        if report.stage == 'hls' and path.name in _SUMMARIES:
            tops.setdefault(path.parent, set()).add(report.design)
    return {
        path: report
        for path, report in reports.items()
        if report.stage != 'hls' or path.parent not in tops or report.design in tops[path.parent]
    }


def _run(folder: Path, reports: Mapping[Path, ReportFile], problems: list[Da4mlError]) -> RunRecord:
    hashes = {str(path.relative_to(folder)): hash_tree(path) for path in reports}
    name = folder.resolve().name
    content = digest([name, {path: sha256 for path, (sha256, _) in hashes.items()}])
    newest = datetime.fromtimestamp(max(path.stat().st_mtime for path in reports), UTC)
    where = provenance(folder)
    config = {
        'imported_from': str(folder.resolve()),
        'reports': {path: sha256 for path, (sha256, _) in hashes.items()},
        'designs': sorted({report.design for report in reports.values() if report.design}),
        'parameters': dict(re.findall(r'(?:^|-)([A-Za-z_]\w*)=([^-=]+)', name)),
        'metadata': next((dict(report.facts) for report in reports.values() if report.facts), None),
    }
    stages = []
    for stage in _STAGES:
        own = {path: report for path, report in reports.items() if report.stage == stage}
        if not own:
            continue
        artifacts = {path.name: Artifact(key, *hashes[key]) for path in own for key in [str(path.relative_to(folder))]}
        named = {(report.tool, report.version) for report in own.values() if report.version}
        record = StageRecord(
            stage=stage,
            key=digest([content, stage]),
            settings=MappingProxyType({}),
            inputs=MappingProxyType({}),
            artifacts=MappingProxyType(artifacts),
            metrics=tuple(_metrics(stage, own, problems)),
            tools=tuple(ToolVersion(tool, version, '') for tool, version in sorted(named)),
            ok=True,
            message='imported',
            started=newest.isoformat(),
            wall_s=0.0,
            package_version=package_version(),
        )
        stages.append(StageRun(stage, 'ok', directory=str(folder.resolve()), message='imported', record=record))
    return RunRecord(
        uid=f'import-{content[:24]}',
        name=name,
        config=config,
        config_hash=digest(config),
        status='ok',
        started=newest.isoformat(),
        wall_s=0.0,
        host=where.host,
        user=where.user,
        git_commit=where.git_commit,
        git_dirty=where.git_dirty,
        package_version=package_version(),
        stages=tuple(stages),
    )


def _metrics(stage: str, reports: Mapping[Path, ReportFile], problems: list[Da4mlError]) -> Iterator[Metric]:
    """Each figure once, if all reports that give it agree."""
    parts = {report.tool: report.part for report in reports.values() if report.part}
    given: dict[tuple[str, str], dict[float, Path]] = {}
    for path, report in reports.items():
        for name, value in report.figures.items():
            given.setdefault((name, report.tool), {}).setdefault(value, path)
    for (name, tool), values in given.items():
        if len(values) == 1:
            yield measure(name, next(iter(values)), stage=stage, tool=tool, part=parts.get(tool, ''))
            continue
        said = ', '.join(f'{value:g} in {path}' for value, path in values.items())
        where = Location(str(next(iter(values.values()))))
        hint = 'are they of different runs? then import each folder by itself'
        problems.append(ReportParseError(f'reports disagree about {name}: {said}', location=where, hint=hint))
