"""One report of any tool whose reports are read: which kind it is, what it is of, and its figures."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

from da4ml_flow.eda.backends.vendor import Parser
from da4ml_flow.eda.parsers.nextpnr_report import parse_nextpnr
from da4ml_flow.eda.parsers.quartus_fit import parse_fit
from da4ml_flow.eda.parsers.quartus_timing import parse_timing
from da4ml_flow.eda.parsers.text_table import ReportText
from da4ml_flow.eda.parsers.vitis_csynth import parse_csynth
from da4ml_flow.eda.parsers.vivado_power import parse_power
from da4ml_flow.eda.parsers.vivado_sections import read_head
from da4ml_flow.eda.parsers.vivado_timing import parse_timing_summary
from da4ml_flow.eda.parsers.vivado_utilization import parse_utilization
from da4ml_flow.eda.parsers.yosys_stat import parse_stat
from da4ml_flow.errors import Location, ReportParseError

METADATA = 'metadata.json'
SUFFIXES = ('.rpt', '.xml', '.json')
MAX_BYTES = 64 << 20
_HEAD_CHARS = 4096
_VIVADO = re.compile(r'^\| Tool Version *: Vivado', re.MULTILINE)
_VIVADO_COMMAND = re.compile(r'^\| Command *: (report_\w+)', re.MULTILINE)
_VIVADO_PARSERS: Mapping[str, Parser] = {
    'report_utilization': parse_utilization,
    'report_timing_summary': parse_timing_summary,
    'report_power': parse_power,
}
# what Vivado calls the state of a design -> what the flow calls the stage that leaves it so
_STATES = {'synthesized': 'synthesize', 'routed': 'implement', 'fully routed': 'implement'}
_METADATA_FIGURES = {
    'cost': 'lut_estimate',
    'latency': 'latency_cycles',
    'reg_bits': 'register_bits',
    'clock_period': 'clock_ns',
}


class ReportFile(NamedTuple):
    """What a report tells; ``facts`` is what it says beside its figures, as JSON-ready data."""

    tool: str
    version: str
    part: str
    design: str
    stage: str
    figures: Mapping[str, float]
    facts: Mapping[str, Any]


def read_report_file(path: Path) -> ReportFile | None:
    """The report in a file, None if it is of no kind that has figures; raises ReportParseError for a damaged one."""
    try:
        size = path.stat().st_size
        if size > MAX_BYTES and path.suffix == '.json' and path.name != METADATA:
            return None
        if size > MAX_BYTES:
            raise ReportParseError(f'{size >> 20} MB are too much for a report', location=Location(str(path)))
        text = path.read_text(encoding='utf-8', errors='replace')
    except OSError as error:
        raise ReportParseError(f'it cannot be read: {error.strerror}', location=Location(str(path))) from error
    return report_of(text, path)


def report_of(text: str, path: Path) -> ReportFile | None:
    """The same of the text of a file, whose name tells metadata and JSON from the rest."""
    source = str(path)
    if path.name == METADATA:
        return _metadata(text, source)
    if path.suffix == '.json':
        return _open_tool(text, source)
    if not text.strip():
        raise ReportParseError('the report is empty', location=Location(source, 1))
    head = text[:_HEAD_CHARS]
    if _VIVADO.search(head):
        return _vivado(text, source)
    first = text.lstrip().partition('\n')[0]
    if first.startswith('Fitter report for '):
        fit = parse_fit(text, source)
        return ReportFile('quartus', fit.head.version, fit.device, fit.head.revision, 'implement', fit.figures(), {})
    if first.startswith('Timing Analyzer report for '):
        timing = parse_timing(text, source)
        return ReportFile('quartus', timing.head.version, '', timing.head.revision, 'implement', timing.figures(), {})
    if 'Synthesis Summary Report of' in head or (path.suffix == '.xml' and '<profile>' in head):
        estimate = parse_csynth(text, source)
        return ReportFile('vitis', estimate.version, estimate.part, estimate.top, 'hls', estimate.figures(), {})
    return None


def _vivado(text: str, source: str) -> ReportFile | None:
    command = _VIVADO_COMMAND.search(text[:_HEAD_CHARS])
    if command is not None and command[1] not in _VIVADO_PARSERS:
        return None
    name = command[1] if command is not None else 'report_utilization'
    head, _ = read_head(ReportText(text, source, 'vivado'), name)
    figures = _VIVADO_PARSERS[name](text, source).figures()
    stage = _STATES.get(head.state.lower(), 'place')
    return ReportFile('vivado', head.version, head.device, head.design, stage, figures, {})


def _open_tool(text: str, source: str) -> ReportFile | None:
    """What Yosys' `stat -json` or nextpnr's `--report` wrote; None for any other JSON, and for what is none."""
    if not ('"num_cells_by_type"' in text or ('"fmax"' in text and '"utilization"' in text)):
        return None
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ReportParseError(f'not JSON: {error}', location=Location(source, 1)) from error
    modules = data.get('modules') if isinstance(data, dict) else None
    if isinstance(modules, dict) and str(data.get('creator', '')).startswith('Yosys '):
        inside = {kind for module in modules.values() if isinstance(module, dict) for kind in _kinds(module)}
        tops = [name.removeprefix('\\') for name in modules if not {name, name.removeprefix('\\')} & inside]
        if len(tops) != 1:
            raise ReportParseError(f'{len(tops)} modules that none contains, not one', location=Location(source, 1))
        resources = parse_stat(text, tops[0], source)
        version = str(data['creator']).split()[1]
        figures = {**resources._asdict(), 'luts': resources.luts}
        return ReportFile('yosys', version, '', tops[0], 'synthesize', figures, {})
    if isinstance(data, dict) and {'fmax', 'utilization'} <= data.keys():
        report = parse_nextpnr(text, source)
        # of several clocks none is that of the design
        fmax = {'fmax_mhz': next(iter(report.fmax_mhz.values()))} if len(report.fmax_mhz) == 1 else {}
        return ReportFile('nextpnr', '', '', '', 'implement', fmax, {})
    return None


def _kinds(module: Mapping[str, Any]) -> Mapping[str, Any]:
    kinds = module.get('num_cells_by_type')
    return kinds if isinstance(kinds, dict) else {}


def _metadata(text: str, source: str) -> ReportFile | None:
    """What da4ml and alkaid write beside a design; None for the metadata of anything else."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ReportParseError(f'not JSON: {error}', location=Location(source, 1)) from error
    if not isinstance(data, dict) or not {'flavor', 'cost'} <= data.keys():
        return None
    figures: dict[str, float] = {}
    for key, name in _METADATA_FIGURES.items():
        value = data.get(key)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value) or value < 0:
            raise ReportParseError(f'{key} is no figure: {value!r}', location=Location(source, 1))
        figures[name] = value
    part = data.get('part_name')
    return ReportFile('metadata', '', part if isinstance(part, str) else '', '', 'emit', figures, data)
