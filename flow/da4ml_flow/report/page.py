"""Runs as one interactive HTML page that needs no network: table, plots, times, links to logs."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from da4ml_flow.report.embed import embedded
from da4ml_flow.report.figures import Figure, figures_of, ordered, settings_of, varying
from da4ml_flow.results.record import RunRecord, StageRun

MOST_RUNS = 1000  # that a browser sorts and filters without a pause
FACTS = {
    'name': ('name', ''),
    'status': ('status', ''),
    'started': ('started (UTC)', ''),
    'wall_s': ('wall time', 's'),
    'commit': ('commit', ''),
    'package_version': ('version', ''),
    'host': ('host', ''),
    'user': ('user', ''),
    'uid': ('run', ''),
}
SHOWN_FACTS = frozenset({'name', 'status', 'started'})
SHOWN_FIGURES = ('accuracy', 'luts', 'alms', 'dsps', 'brams', 'fmax_mhz', 'wns_ns', 'latency_ns', 'lut_estimate')
GOALS = ('accuracy', 'luts', 'alms', 'latency_ns', 'fmax_mhz')  # whose best run is named at the top
MOST_SETTINGS, LONGEST_SETTING = 4, 24  # columns, and characters in them, that are shown from the start
NUMBER = re.compile(r'-?\d+(\.\d+)?([eE][-+]?\d+)?')


@dataclass(frozen=True, slots=True)
class _Measured:
    """What the columns are made of: the settings and figures of each run."""

    settings: tuple[Mapping[str, str], ...]
    figures: tuple[Mapping[Figure, float], ...]

    def runs_with(self, figure: Figure) -> int:
        return sum(figure in run for run in self.figures)


def page(
    runs: Sequence[RunRecord], title: str, file: Path | None = None, *, total: int = 0, compared: bool = False
) -> str:
    """The page of runs, the first of a ``total``; all side by side if they are ``compared``.

    Links are from where the file is to be, if that is known.
    """
    measured = _Measured(tuple(settings_of(run.config) for run in runs), tuple(figures_of(run.metrics) for run in runs))
    keys = [key for key in varying(measured.settings) if key not in FACTS]
    figures = ordered(figure for run in measured.figures for figure in run)
    folder = None if file is None else file.absolute().parent
    data = {
        'total': max(total, len(runs)),
        'ticked': [run.uid for run in runs] if compared else [],
        'columns': [*_facts(), *_settings(keys, measured), *_figures(figures, measured)],
        'runs': [
            {
                'uid': run.uid,
                'values': [
                    *_fact_values(run),
                    *(_scalar(settings.get(key)) for key in keys),
                    *(values.get(figure) for figure in figures),
                ],
                'stages': [_stage(stage, folder) for stage in run.stages],
            }
            for run, settings, values in zip(runs, measured.settings, measured.figures, strict=True)
        ],
    }
    return embedded('da4ml_flow.report', 'page.html', title, data)


def _facts() -> Iterable[dict[str, Any]]:
    for key, (title, unit) in FACTS.items():
        yield {'key': key, 'title': title, 'unit': unit, 'kind': 'fact', 'digits': 1, 'shown': key in SHOWN_FACTS}


def _fact_values(run: RunRecord) -> list[Any]:
    commit = f'{run.git_commit[:10]}{"*" if run.git_dirty else ""}' if run.git_commit else None
    given = {'commit': commit, 'started': run.started[:16].replace('T', ' ')}
    return [given[key] if key in given else getattr(run, key) for key in FACTS]


def _settings(keys: Sequence[str], measured: _Measured) -> Iterable[dict[str, Any]]:
    short = [key for key in keys if all(len(run.get(key, '')) <= LONGEST_SETTING for run in measured.settings)]
    for key in keys:
        shown = key in short[:MOST_SETTINGS]
        yield {'key': key, 'title': key, 'unit': '', 'kind': 'setting', 'digits': 6, 'shown': shown}


def _scalar(text: str | None) -> str | float | None:
    return float(text) if text is not None and NUMBER.fullmatch(text) else text


def _figures(figures: Sequence[Figure], measured: _Measured) -> Iterable[dict[str, Any]]:
    common = sorted(figures, key=lambda figure: -measured.runs_with(figure))
    goals = [
        figure for name in GOALS for figure in [f for f in common if f.metric == name][: 3 if name == 'luts' else 1]
    ]
    for figure in figures:
        interesting = any(run.get(figure) for run in measured.figures)  # not a zero in all of them
        yield {
            'key': figure.key,
            'metric': figure.metric,
            'stage': figure.stage,
            'title': figure.spec.title,
            'source': figure.source,
            'unit': figure.spec.unit,
            'better': figure.spec.direction,
            'kind': 'figure',
            'digits': figure.spec.digits,
            'shown': interesting and figure.metric in SHOWN_FIGURES,
            'goal': figure in goals,
        }


def _stage(stage: StageRun, folder: Path | None) -> dict[str, Any]:
    directory = Path(stage.directory) if stage.directory else None
    there = directory is not None and directory.is_dir()
    links = []
    if directory is not None and there:
        files = stage.record.artifacts if stage.record else {}
        paths = {name: directory / artifact.path for name, artifact in files.items()}
        links = [[name, _link(path, folder)] for name, path in paths.items() if path.exists()]
        links.append(['folder', _link(directory, folder)])
    return {
        'stage': stage.stage,
        'status': stage.status,
        'cached': stage.cached,
        # a cached stage took its time when it ran
        'seconds': round(stage.record.wall_s if stage.record else stage.wall_s, 2),
        'message': stage.message,
        'links': links,
        **({} if there or not stage.directory else {'gone': stage.directory}),
    }


def _link(path: Path, folder: Path | None) -> str:
    """From the page to a file; without a place of the page, where the file is on this machine."""
    if folder is None:
        return path.absolute().as_uri()
    return quote(f'./{os.path.relpath(path.absolute(), folder)}')
