"""Damaged reports: the right figures or a ReportParseError, never a wrong figure and never another exception.

A digit that became another one, or a blank, or a cut of exactly a row, leaves a report that its tool could have
written. Where it has the figure twice that is refused; where it has it once no reader can know: ``single`` says where.
"""

import json
import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from reports import dialects, test_quartus, test_vitis_csynth, test_vivado_power, test_vivado_timing
from reports.damage import damage, try_damage

from da4ml_flow.eda.parsers.nextpnr_report import parse_nextpnr
from da4ml_flow.eda.parsers.quartus_fit import parse_fit
from da4ml_flow.eda.parsers.quartus_timing import parse_timing
from da4ml_flow.eda.parsers.verilator_coverage import parse_coverage
from da4ml_flow.eda.parsers.vitis_csynth import parse_csynth
from da4ml_flow.eda.parsers.vivado_power import parse_power
from da4ml_flow.eda.parsers.vivado_timing import parse_timing_summary
from da4ml_flow.eda.parsers.vivado_utilization import parse_utilization
from da4ml_flow.eda.parsers.yosys_stat import parse_stat
from da4ml_flow.eda.report_file import report_of
from da4ml_flow.errors import ReportParseError


class Report(NamedTuple):
    """A report, the lines of it that hold figures, and whether some of its figures are there only once."""

    parse: Callable[[str], Any]
    hot: str
    single: bool = False
    text: str = ''
    could_be: Callable[[str, str], bool] = lambda text, damaged: False  # what its tool could have written, too


SITES = r'^\| +(CLB|LUT|Register|CARRY8|DSP|Block|RAMB|URAM).*$'
SLACKS = r'^( {6}|sys_clk).*\d\.\d\d\d  .*$'
WATTS = r'^\| .*(Total|Static|Dynamic) .*$'
REAL = {
    'vivado/vmodel_post_synth_util.rpt': Report(parse_utilization, SITES),
    'vivado/vmodel_post_place_util.rpt': Report(parse_utilization, r'^\| .*\|$', single=True),
    'vivado/vmodel_post_route_util.rpt': Report(parse_utilization, SITES),
    'vivado/vmodel_post_synth_timing.rpt': Report(parse_timing_summary, SLACKS),
    'vivado/vmodel_post_place_timing.rpt': Report(parse_timing_summary, SLACKS),
    'vivado/vmodel_post_route_timing.rpt': Report(parse_timing_summary, SLACKS),
    # single: dynamic power is checked against the total and the static one, to the milliwatt that they are rounded to
    'vivado/vmodel_post_synth_power.rpt': Report(parse_power, WATTS, single=True),
    'vivado/vmodel_post_route_power.rpt': Report(parse_power, WATTS, single=True),
    'quartus/vmodel.fit.rpt': Report(parse_fit, r'^; +(Total|Logic|ALMs|Comb|--|M20K|DSP|Dedic).*\d .*$'),
    'quartus/vmodel.sta.rpt': Report(parse_timing, r'^;.*\bsys_clk .*\d .*$|^; (Worst|Design).*$', single=True),
    'vitis_hls/csynth.rpt': Report(parse_csynth, r'^    \|.*$', single=True),
}
WRITTEN = {
    'series 7': Report(parse_utilization, r'^\| .*\|$', True, dialects.SERIES_7),
    'series 7 synthesized': Report(parse_utilization, r'^\| .*\|$', True, dialects.SERIES_7_SYNTHESIZED),
    'versal': Report(parse_utilization, r'^\| .*\|$', True, dialects.VERSAL),
    'hierarchy': Report(parse_utilization, r'^\| .*\|$', True, dialects.HIERARCHY),
    'xml': Report(parse_utilization, r'^<table.*$', True, dialects.XML),
    'xml hierarchy': Report(parse_utilization, r'^<table.*$', True, dialects.XML_HIERARCHY),
    'no clock': Report(parse_timing_summary, r'^ .*NA.*$', False, test_vivado_timing.NONE),
    'several clocks': Report(parse_timing_summary, r'^.*\d\.\d.*$', True, test_vivado_timing.SEVERAL),
    'hot': Report(parse_power, WATTS, True, test_vivado_power.HOT),
    'cyclone fit': Report(parse_fit, r'^; .*\d .*$', True, test_quartus.CYCLONE_FIT),
    'cyclone sta': Report(parse_timing, r'^; .*\d .*$', True, test_quartus.CYCLONE_STA),
    'loops': Report(parse_csynth, r'^    \|.*$', True, test_vitis_csynth.LOOPS),
    'csynth xml': Report(parse_csynth, r'^<.*\d.*$', True, test_vitis_csynth.XML),
}


class Kind(NamedTuple):
    """Points of coverage of a kind."""

    kind: str
    reached: int
    points: int


def coverage(text: str) -> tuple[Kind, ...]:
    return tuple(Kind(kind, *covered) for kind, covered in parse_coverage(text).items())


def nextpnr(text: str) -> tuple[tuple[float, ...], tuple[int, ...]]:
    found = parse_nextpnr(text)
    return tuple(found.fmax_mhz.values()), tuple(found.used.values())


def other_points(text: str, damaged: str) -> bool:
    """Nothing in a coverage.dat says how many points there are, or ties one to another: lost ones, and one changed."""
    return len(set(damaged.splitlines()) - set(text.splitlines())) <= 1


def other_numbers(text: str, damaged: str) -> bool:
    """JSON without sums: its own names, some of them gone, and numbers."""

    def names(data: object, path: str = '') -> set[str]:
        if isinstance(data, dict):
            return {path}.union(*(names(value, f'{path}/{key}') for key, value in data.items()))
        return {path}

    return names(json.loads(damaged)) <= names(json.loads(text))


RECORDED = Path(__file__).parents[1] / 'flow' / 'eda' / 'parsers' / 'reports'
OPEN = {
    'yosys xilinx': Report(lambda text: parse_stat(text, 'top'), r'^ +".*[1-9].*$', False, 'yosys_xilinx.json'),
    'yosys ecp5': Report(lambda text: parse_stat(text, 'top_scan'), r'^ +".*[1-9].*$', False, 'yosys_ecp5.json'),
    'nextpnr': Report(nextpnr, r'^.*"(achieved|used)".*$', True, 'nextpnr.json', other_numbers),
    'coverage': Report(coverage, r'^C .*$', True, 'coverage.dat', other_points),
}
# reports of the same tools in which there are no figures
OTHERS = (
    'vivado/vmodel_post_place_congestion_final.rpt',
    'vivado/vmodel_post_place_congestion_initial.rpt',
    'vivado/vmodel_post_opt_congestion.rpt',
    'vivado/vmodel_post_route_drc.rpt',
    'vivado/vmodel_post_route_clock_util.rpt',
    'vivado/vmodel_post_route_timing_paths.rpt',
    'quartus/vmodel.drc.partitioned.rpt',
    'quartus/vmodel.drc.synthesized.rpt',
    'quartus/vmodel.asm.rpt',
    'quartus/vmodel.syn.rpt',
    'quartus/vmodel.flow.rpt',
    'vitis_hls/csynth_design_size.rpt',
)


def check_others(text: str, path: Path, count: int) -> None:
    """Whatever happens to such a report, no figure comes out of it."""
    assert report_of(text, path) is None
    generator = random.Random(5)
    for _ in range(count):
        damaged = damage(text, generator, []).text
        with suppress(ReportParseError):
            assert report_of(damaged, path) is None


def check(report: Report, text: str, count: int, seed: int) -> None:
    verdict = try_damage(report.parse, text, report.hot, count, seed, could_be=report.could_be)
    assert not verdict.share(': wrong'), verdict.wrong
    assert report.single or not verdict.share(': rewritten'), verdict.wrong
    assert verdict.share(': right') + verdict.share(': refused') >= 0.85 * count


@pytest.mark.parametrize('name', REAL)
def test_real_reports(name: str, shared: Path) -> None:
    check(REAL[name], (shared / 'reports' / name).read_text(), 200, seed=1)


@pytest.mark.parametrize('name', WRITTEN)
def test_dialects(name: str) -> None:
    check(WRITTEN[name], WRITTEN[name].text, 300, seed=2)


@pytest.mark.parametrize('name', OPEN)
def test_open_tools(name: str) -> None:
    check(OPEN[name], (RECORDED / OPEN[name].text).read_text(), 300, seed=6)


@pytest.mark.parametrize('name', OTHERS)
def test_reports_without_figures(name: str, shared: Path) -> None:
    path = shared / 'reports' / name
    check_others(path.read_text(), path, 100)


@pytest.mark.slow
@pytest.mark.parametrize('name', OPEN)
def test_open_tools_ten_thousand_times(name: str) -> None:
    check(OPEN[name], (RECORDED / OPEN[name].text).read_text(), 10_000, seed=7)


@pytest.mark.slow
@pytest.mark.parametrize('name', OTHERS)
def test_reports_without_figures_ten_thousand_times(name: str, shared: Path) -> None:
    path = shared / 'reports' / name
    check_others(path.read_text(), path, 10_000)


@pytest.mark.slow
@pytest.mark.parametrize('name', REAL)
def test_real_reports_ten_thousand_times(name: str, shared: Path) -> None:
    check(REAL[name], (shared / 'reports' / name).read_text(), 10_000, seed=3)


@pytest.mark.slow
@pytest.mark.parametrize('name', WRITTEN)
def test_dialects_ten_thousand_times(name: str) -> None:
    check(WRITTEN[name], WRITTEN[name].text, 10_000, seed=4)
