"""Vitis HLS: a kernel in C++, simulated on its samples and synthesized to Verilog, with the tool's own estimates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from da4ml_flow.eda import core_file, fusesoc, tools
from da4ml_flow.eda.backends.vendor import Measured, take_over
from da4ml_flow.eda.hls_core import write_hardware_core
from da4ml_flow.eda.parsers.vitis_csynth import parse_csynth
from da4ml_flow.eda.report_text import read_report
from da4ml_flow.errors import Location, ReportParseError

_STEPS = ('csim', 'csynth')
_TIMEOUT_S = 24 * 3600.0


class Hardware(NamedTuple):
    """What the synthesis estimates, and a folder with its Verilog as a core."""

    measured: Measured
    rtl: Path


def synthesize(
    rtl: Path,
    part: str,
    directory: Path,
    *,
    clock_ns: float,
    timeout_s: float | None = None,
    earlier: Path | None = None,
) -> Hardware:
    """Simulate and synthesize the C++ design in ``rtl``; a sample whose result is not the interpreter's is an error.

    ``earlier`` is the directory of a try that did not end: its finished steps are not run again.
    """
    top = str(json.loads((rtl / core_file.INTERFACE_FILE).read_text(encoding='utf-8'))['top'])
    name = core_file.load_core_name(rtl)
    found = tools.find_all(tools.VITIS)
    project = fusesoc.configure(
        name,
        'vitis',
        cores=(rtl,),
        directory=directory,
        options={'part': part, 'clock_ns': f'{clock_ns:.6g}', 'program': found[0].path.name},
    )
    if earlier is not None:
        take_over(earlier / project.root.name, project.root, [f'{step}.done' for step in _STEPS], 'csynth')
    finished = fusesoc.build(project, found, timeout_s=timeout_s or _TIMEOUT_S)
    results = project.root / 'csynth' / 'solution' / 'syn'
    report = results / 'report' / 'csynth.rpt'
    estimate = parse_csynth(read_report(report), str(report))
    if estimate.top != top:
        raise ReportParseError(f'it is of {estimate.top!r}, not of {top!r}', location=Location(str(report), 1))
    hardware = directory / 'rtl'
    short_name = name.split(':')[2]
    write_hardware_core(
        short_name, top, results / 'verilog', hardware, latency_cycles=estimate.latency_cycles, ii=estimate.ii
    )
    return Hardware(Measured(estimate.figures(), (report,), (finished.log,), finished.wall_s), hardware)
