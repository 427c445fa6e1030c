"""A comparison as rows of text, Markdown for a pull request, JSON, and annotations of GitHub."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from da4ml_flow.regress.compare import Check, Comparison, exact, metric_key, with_unit
from da4ml_flow.report.table import markdown_cell

HEADERS = ('metric', 'baseline', 'now', 'change', 'verdict')
NUMBERS = frozenset({1, 2, 3})
OF_THE_MACHINE = frozenset({'trace_s', 'solve_s', 'synth_s', 'cpu_s', 'peak_mb'})  # no fault of a design
Row = tuple[str, str, str, str, str]


def rows(comparison: Comparison) -> tuple[Row, ...]:
    """A row a rule, in the order of the baseline."""
    return tuple(_row(check) for check in comparison.checks)


def headline(comparison: Comparison) -> str:
    """How it went, in a line; a regression with its metrics and the stage that it came from."""
    title = f'{comparison.baseline.name}: {comparison.status}'
    failed = [check.key for check in comparison.checks if check.failed]
    if failed:
        title += f' in {", ".join(failed)}; {comparison.origin}'
    return title


def notes(comparison: Comparison) -> list[str]:
    """What the table does not say."""
    found = [f'{check.key}: {check.text}' for check in comparison.checks if check.bad]
    steady = [metric_key(metric) for metric in comparison.unruled if metric.name not in OF_THE_MACHINE]
    if steady:
        found.append(f'measured without a rule: {", ".join(steady)}')
    if comparison.tightened():
        found.append('some figures improved: --tighten takes them into the baseline')
    return found


def markdown(comparisons: Sequence[Comparison]) -> str:
    """A section a baseline, for the comment of a pull request or the summary of a job."""
    parts = []
    for comparison in comparisons:
        lines = [f'### {markdown_cell(headline(comparison))}', '']
        if comparison.checks:
            lines += [f'| {" | ".join(HEADERS)} |', '|---|--:|--:|--:|---|']
            for check, row in zip(comparison.checks, rows(comparison), strict=True):
                cells = [markdown_cell(cell) for cell in row]
                cells[-1] = f'**{cells[-1]}**' if check.failed else cells[-1]
                lines.append(f'| {" | ".join(cells)} |')
            lines.append('')
        lines += [f'- {markdown_cell(note)}' for note in notes(comparison)]
        for error in comparison.errors:
            lines += ['', '```text', str(error).replace('```', "'''"), '```']
        parts.append('\n'.join(lines).rstrip() + '\n')
    return '\n'.join(parts)


def json_data(comparison: Comparison) -> dict[str, Any]:
    """JSON-ready data of a comparison; the errors are left to the caller."""
    return {
        'baseline': str(comparison.baseline.path),
        'status': comparison.status,
        'exit_code': comparison.exit_code,
        'run_id': comparison.run_uid,
        'first_change': comparison.first_change,
        'hashes': dict(comparison.hashes or {}),
        'checks': [
            {
                'key': check.key,
                'verdict': check.verdict,
                'level': check.level,
                'baseline': check.rule.value if check.rule else None,
                'now': check.now,
                'text': check.text,
            }
            for check in comparison.checks
        ],
        'new': [metric.data() for metric in comparison.unruled],
    }


def github_annotations(comparisons: Sequence[Comparison], environment: Mapping[str, str]) -> Iterator[str]:
    """Workflow commands of GitHub, a line each, for whatever is bad."""
    root = Path(environment.get('GITHUB_WORKSPACE') or Path.cwd())
    for comparison in comparisons:
        file = _property(relative_path(comparison.baseline.path, root))
        for error in comparison.errors:
            title = _property(f'{comparison.baseline.name}: the build failed')
            yield f'::error file={file},title={title}::{_data(str(error))}'
        for check in comparison.checks:
            if check.bad:
                line = f',line={check.rule.line}' if check.rule else ''
                title = _property(f'{comparison.baseline.name}: {check.key}')
                text = _data(f'{check.key}: {check.text}; {comparison.origin}')
                yield f'::{check.level} file={file}{line},title={title}::{text}'


def relative_path(path: Path, root: Path) -> str:
    """From the root where the path is below it, with forward slashes."""
    path, root = path.resolve(), root.resolve()
    return (path.relative_to(root) if path.is_relative_to(root) else Path(os.path.relpath(path, root))).as_posix()


def _row(check: Check) -> Row:
    rule, now = check.rule, check.now
    verdict = f'{check.verdict} ({check.level})' if check.bad and check.level == 'warning' else check.verdict
    if rule is None:
        return check.key, '', '', '', verdict
    value = '' if rule.value is None else f'{rule.compare} {exact(rule.value)}'
    if now is None:
        return check.key, value, '', '', verdict
    change = '' if rule.value is None or now == rule.value else _change(now - rule.value, rule.value)
    return check.key, value, with_unit(now, rule), change, verdict


def _change(difference: float, value: float) -> str:
    share = f' ({100 * difference / value:+.2f} %)' if value else ''
    return ('+' if difference > 0 else '') + exact(round(difference, 6)) + share


def _data(text: str) -> str:
    return text.replace('%', '%25').replace('\r', '%0D').replace('\n', '%0A')


def _property(text: str) -> str:
    return _data(text).replace(':', '%3A').replace(',', '%2C')
