"""nextpnr: place and route of a kernel on a real device over several seeds, for the clock frequency that it reaches."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from da4ml_flow.eda import core_file, fusesoc, tools
from da4ml_flow.eda.backends.yosys import check_log
from da4ml_flow.eda.parsers.nextpnr_report import parse_nextpnr
from da4ml_flow.eda.parsers.yosys_stat import Resources, parse_stat
from da4ml_flow.eda.report_text import read_report
from da4ml_flow.errors import Location, ReportParseError

_TIMEOUT_S = 12 * 3600.0


@dataclass(frozen=True, slots=True)
class Implementation:
    """Frequency by seed, and the kernel's own resources: those of the place-and-route harness are not in them.

    Every path of the kernel is timed from a register to a register, input and output ports included.
    """

    fmax_mhz: dict[int, float]
    resources: Resources
    reports: tuple[Path, ...]
    logs: tuple[Path, ...]
    wall_s: float

    @property
    def median_fmax_mhz(self) -> float:
        return median(self.fmax_mhz.values())


def implement(
    rtl: Path,
    device: str,
    seeds: Sequence[int],
    directory: Path,
    *,
    clock_ns: float | None = None,
    timeout_s: float | None = None,
) -> Implementation:
    """Synthesize, place and route the design in ``rtl`` on a device, 'ecp5-25k' or 'ice40-hx8k', once a seed."""
    bundle = core_file.load_bundle(rtl)
    found = tools.find_all((*tools.implementing(device), *tools.FRONT_ENDS[bundle.language]))
    family, _, size = device.partition('-')
    options: dict[str, str | list[str]] = {'family': family, 'device': size}
    options['seeds'] = [str(seed) for seed in seeds]
    if clock_ns is not None:
        options['clock_mhz'] = f'{1000 / clock_ns:.6g}'
    project = fusesoc.configure(
        core_file.load_core_name(rtl),
        'pnr',
        cores=(rtl, core_file.ip_root()),
        directory=directory,
        options=options,
    )
    jobs = min(len(seeds), _usable_cores())
    hint = 'a kernel that does not fit wants a larger implement.device'
    finished = fusesoc.build(project, found, timeout_s=timeout_s or _TIMEOUT_S, jobs=jobs, hint=hint)
    stat = project.root / f'{project.name}_stat.json'
    resources = parse_stat(read_report(stat), bundle.top, str(stat))
    check_log(project.root / 'yosys.log')
    reports = tuple(project.root / f'seed{seed}.json' for seed in seeds)
    fmax = {seed: _fmax_mhz(report) for seed, report in zip(seeds, reports, strict=True)}
    logs = tuple(project.root / f'seed{seed}.log' for seed in seeds)
    return Implementation(fmax, resources, (stat, *reports), logs, finished.wall_s)


def _usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1


def _fmax_mhz(path: Path) -> float:
    report = parse_nextpnr(read_report(path), str(path))
    if len(report.fmax_mhz) != 1:
        raise ReportParseError(
            f'nextpnr report: {len(report.fmax_mhz)} clocks instead of one', location=Location(str(path), 1)
        )
    return next(iter(report.fmax_mhz.values()))
