"""Comparisons as SARIF 2.1.0: a result for whatever is bad, at the line of its rule."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from da4ml_flow.regress.compare import Comparison, Verdict
from da4ml_flow.regress.render import relative_path
from da4ml_flow.runner.keys import package_version

SCHEMA = 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json'
FAILED_BUILD = 'build-failed'
RULES: dict[str, tuple[Verdict | None, str]] = {
    'metric-regression': ('worse', 'A figure of a build is worse than its baseline allows.'),
    'metric-missing': ('missing', 'A figure that has a baseline was not measured.'),
    'metric-unset': ('unset', 'A rule of a baseline has no value yet.'),
    'stage-says-no': ('no', 'A stage of the build ended with the answer no.'),
    FAILED_BUILD: (None, 'The build ended with an error.'),
}


def sarif_text(comparisons: Sequence[Comparison], root: Path) -> str:
    """The whole file; paths are from the root."""
    names = {verdict: name for name, (verdict, _) in RULES.items()}
    results = []
    for comparison in comparisons:
        uri = quote(relative_path(comparison.baseline.path, root))
        for check in comparison.checks:
            if check.bad:
                line = check.rule.line if check.rule else 1
                text = f'{comparison.baseline.name}: {check.key}: {check.text}; {comparison.origin}'
                identity = f'{comparison.baseline.name}/{check.key}'
                results.append(_result(names[check.verdict], check.level, text, uri, line, identity))
        for error in comparison.errors:
            identity = f'{comparison.baseline.name}/{error.code}'
            results.append(_result(FAILED_BUILD, 'error', str(error), uri, 1, identity))
    driver = {
        'name': 'da4ml-flow regress',
        'version': package_version(),
        'rules': [{'id': name, 'shortDescription': {'text': text}} for name, (_, text) in RULES.items()],
    }
    run = {'tool': {'driver': driver}, 'columnKind': 'unicodeCodePoints', 'results': results}
    return json.dumps({'$schema': SCHEMA, 'version': '2.1.0', 'runs': [run]}, indent=2, ensure_ascii=False) + '\n'


def _result(rule: str, level: str, text: str, uri: str, line: int, identity: str) -> dict[str, Any]:
    place = {'artifactLocation': {'uri': uri}, 'region': {'startLine': line}}
    return {
        'ruleId': rule,
        'ruleIndex': list(RULES).index(rule),
        'level': level,
        'message': {'text': text},
        'locations': [{'physicalLocation': place}],
        'partialFingerprints': {'baselineRule/v1': identity},
    }
