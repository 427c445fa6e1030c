"""Quartus Prime: fit and timing of a kernel with virtual pins."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from da4ml_flow.eda import core_file, fusesoc, tools
from da4ml_flow.eda.backends.vendor import Measured, read_figures
from da4ml_flow.eda.parsers.quartus_fit import parse_fit
from da4ml_flow.eda.parsers.quartus_timing import parse_timing

MODES: Mapping[str, str] = MappingProxyType(
    {'default': 'BALANCED', 'area': 'AGGRESSIVE AREA', 'timing': 'HIGH PERFORMANCE EFFORT'}
)
_TIMEOUT_S = 24 * 3600.0


def measure_kernel(
    rtl: Path,
    part: str,
    directory: Path,
    *,
    clock_ns: float,
    strategy: str = 'default',
    retiming: bool = False,
    timeout_s: float | None = None,
) -> Measured:
    """Synthesize, fit and time the design in ``rtl``; the figures are those of the fitted design."""
    bundle = core_file.load_bundle(rtl)
    found = tools.find_all(tools.QUARTUS)
    options = {'part': part, 'clock_ns': f'{clock_ns:.6g}', 'mode': MODES[strategy]}
    if retiming:
        options['retiming'] = 'true'
    if bundle.clocked:
        options['clock_port'] = 'clk'
    project = fusesoc.configure(
        core_file.load_core_name(rtl),
        'quartus',
        cores=(rtl, core_file.ip_root()),
        directory=directory,
        options=options,
    )
    finished = fusesoc.build(project, found, timeout_s=timeout_s or _TIMEOUT_S)
    folder = project.root / 'output_files'
    figures = read_figures(
        [(folder / f'{bundle.top}.fit.rpt', parse_fit), (folder / f'{bundle.top}.sta.rpt', parse_timing)]
    )
    reports = tuple(sorted(folder.glob(f'{bundle.top}.*.rpt')))
    return Measured(figures, reports, (finished.log,), finished.wall_s)
