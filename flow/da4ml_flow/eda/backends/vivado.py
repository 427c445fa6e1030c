"""Vivado: synthesis, and place and route, of a kernel out of context."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from da4ml_flow.eda import core_file, fusesoc, tools
from da4ml_flow.eda.backends.vendor import Measured, read_figures, take_over
from da4ml_flow.eda.parsers.vivado_power import parse_power
from da4ml_flow.eda.parsers.vivado_timing import parse_timing_summary
from da4ml_flow.eda.parsers.vivado_utilization import parse_utilization

STEPS = ('synth', 'opt', 'place', 'phys_opt', 'route')
# directives by step, of names that every version from 2019.2 on has
STRATEGIES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        'default': {},
        'area': {'synth': 'AreaOptimized_high', 'opt': 'ExploreArea'},
        'timing': {
            'synth': 'PerformanceOptimized',
            'opt': 'Explore',
            'place': 'ExtraTimingOpt',
            'phys_opt': 'AggressiveExplore',
            'route': 'AggressiveExplore',
        },
    }
)
_TIMEOUT_S = 24 * 3600.0


def measure_kernel(
    rtl: Path,
    part: str,
    directory: Path,
    *,
    clock_ns: float,
    last_step: str = 'route',
    directives: Mapping[str, str] | None = None,
    retiming: bool = False,
    timeout_s: float | None = None,
    earlier: Path | None = None,
) -> Measured:
    """Run the steps up to ``last_step``; their figures are those of the reports after it.

    ``earlier`` is the directory of a try that did not end: its finished steps are not run again.
    """
    found = tools.find_all(tools.VIVADO)
    steps = STEPS[: STEPS.index(last_step) + 1]
    options = {'part': part, 'clock_ns': f'{clock_ns:.6g}', 'last_step': last_step}
    options |= {f'{step}_directive': name for step, name in (directives or {}).items() if step in steps}
    if retiming:
        options['retiming'] = 'true'
    if port := core_file.load_clock_port(rtl):
        options['clock_port'] = port
    project = fusesoc.configure(
        core_file.load_core_name(rtl),
        'vivado',
        cores=(rtl, core_file.ip_root()),
        directory=directory,
        options=options,
    )
    if earlier is not None:
        take_over(earlier / project.root.name, project.root, [f'{step}.dcp' for step in steps], 'reports')
    finished = fusesoc.build(project, found, timeout_s=timeout_s or _TIMEOUT_S)
    folder = project.root / 'reports'
    figures = read_figures(
        [
            (folder / f'{last_step}_utilization.rpt', parse_utilization),
            (folder / f'{last_step}_timing.rpt', parse_timing_summary),
            (folder / f'{last_step}_power.rpt', parse_power),
        ]
    )
    logs = tuple(log for step in steps if (log := project.root / f'{step}.log').is_file())
    reports = tuple(sorted(folder.glob(f'{last_step}_*')))
    return Measured(figures, reports, logs, finished.wall_s)
