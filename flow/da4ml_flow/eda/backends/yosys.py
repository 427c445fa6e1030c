"""Yosys: synthesis of a kernel to the cells of an FPGA family, out of context."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from da4ml_flow.eda import core_file, fusesoc, tools
from da4ml_flow.eda.parsers.yosys_stat import Resources, parse_stat
from da4ml_flow.eda.report_text import read_report
from da4ml_flow.errors import Location, ToolFailed

# LUT6_2 on the carry cells of the family; Yosys would make a row of compressors and an adder of a plain sum
TERNARY_STYLES: Mapping[str, int] = MappingProxyType({'xcup': 8, 'xcu': 8, 'xc7': 4})
_TIMEOUT_S = 6 * 3600.0
# what Yosys only warns of, though its netlist is not the design any more
_WRONG = re.compile(r'^Warning: (.*(?:[Dd]river-driver conflict|multiple conflicting drivers).*)$')


@dataclass(frozen=True, slots=True)
class Synthesis:
    """Resources of the kernel, the files that tell more, and what the run took."""

    resources: Resources
    report: Path
    netlist: Path
    log: Path
    wall_s: float


def synthesize(rtl: Path, family: str, directory: Path, *, timeout_s: float | None = None) -> Synthesis:
    """Synthesize the design in ``rtl`` for a family: 'ecp5', or one of `synth_xilinx`."""
    bundle = core_file.load_bundle(rtl)
    found = tools.find_all((*tools.SYNTHESIZE, *tools.FRONT_ENDS[bundle.language]))
    project = fusesoc.configure(
        core_file.load_core_name(rtl),
        'synth',
        cores=(rtl, core_file.ip_root()),
        directory=directory,
        options={'family': family, **dict.fromkeys(bundle.parameters, str(TERNARY_STYLES.get(family, 0)))},
    )
    finished = fusesoc.build(project, found, timeout_s=timeout_s or _TIMEOUT_S)
    report = project.root / f'{project.name}_stat.json'
    resources = parse_stat(read_report(report), bundle.top, str(report))
    log = project.root / 'yosys.log'
    check_log(log)
    netlist = project.root / f'{project.name}_netlist.v.gz'
    return Synthesis(resources, report, netlist, log, finished.wall_s)


def check_log(log: Path) -> None:
    """Raises ToolFailed for a netlist of which Yosys itself says that something in it has two drivers."""
    found = [
        (place, match[1])
        for place, line in enumerate(read_report(log).splitlines(), 1)
        if (match := _WRONG.match(line))
    ]
    if found:
        place, said = found[0]
        more = (f'and {len(found) - 1} more',) if len(found) > 1 else ()
        raise ToolFailed(f'the netlist is not the design: {said}', location=Location(str(log), place), notes=more)
