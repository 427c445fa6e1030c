"""Estimates out of a real summary of Vitis HLS, and out of ones with loops, unknown latency, or in XML."""

from pathlib import Path

import pytest
from reports.damage import check_truncations

from da4ml_flow.eda.parsers.vitis_csynth import parse_csynth
from da4ml_flow.errors import ReportParseError
from da4ml_flow.results.metrics import METRICS

LOOPS = """\


================================================================
== Synthesis Summary Report of 'top'
================================================================
+ General Information: 
    * Date:           Thu Feb  5 00:32:26 2026
    * Version:        2022.2 (Build 3670227 on Oct 13 2022)
    * Project:        project
    * Target device:  xcvu9p-flga2104-2L-e
    

+ Performance & Resource Estimates: 
    
    PS: '+' for module; 'o' for loop; '*' for dataflow
    +-------------------+--------+-------+---------+--------+----------+---------+------+----------+---------+---------+------------+------------+-----+
    |      Modules      |  Issue |       |      Latency     | Iteration|         | Trip |          |         |         |            |            |     |
    |      & Loops      |  Type  | Slack | (cycles)|  (ns)  |  Latency | Interval| Count| Pipelined|   BRAM  |   DSP   |     FF     |     LUT    | URAM|
    +-------------------+--------+-------+---------+--------+----------+---------+------+----------+---------+---------+------------+------------+-----+
    |+ top*             |  Timing|  -0.44|        -|       -|         -|        4|     -|  dataflow|   3 (1%)|  14 (2%)|  1966 (~0%)|  9000 (12%)|    -|
    | + inner           |       -|   0.10|       12|  60.000|         -|       12|     -|        no|        -|        -|   100 (~0%)|   200 (~0%)|    -|
    |  o loop_1         |       -|   3.65|       10|  50.000|         2|        1|    10|       yes|        -|        -|           -|           -|    -|
    +-------------------+--------+-------+---------+--------+----------+---------+------+----------+---------+---------+------------+------------+-----+


================================================================
== HW Interfaces
================================================================
"""  # noqa: E501, W291, W293
XML = """\
<?xml version="1.0" encoding="UTF-8"?>
<profile>
<ReportVersion><Version>2025.1</Version></ReportVersion>
<UserAssignments>
<unit>ns</unit>
<Part>xcvu13p-flga2577-2-e</Part>
<TopModelName>top</TopModelName>
<TargetClockPeriod>5.00</TargetClockPeriod>
</UserAssignments>
<PerformanceEstimates>
<SummaryOfTimingAnalysis><EstimatedClockPeriod>3.650</EstimatedClockPeriod></SummaryOfTimingAnalysis>
<SummaryOfOverallLatency>
<Best-caseLatency>3</Best-caseLatency>
<Worst-caseLatency>3</Worst-caseLatency>
<Worst-caseRealTimeLatency>15.000 ns</Worst-caseRealTimeLatency>
<Interval-min>1</Interval-min>
<Interval-max>1</Interval-max>
</SummaryOfOverallLatency>
</PerformanceEstimates>
<AreaEstimates>
<Resources>
<BRAM_18K>3</BRAM_18K>
<DSP>20</DSP>
<FF>494</FF>
<LUT>8851</LUT>
<URAM>0</URAM>
</Resources>
<AvailableResources>
<BRAM_18K>5376</BRAM_18K>
<DSP>12288</DSP>
<FF>3456000</FF>
<LUT>1728000</LUT>
</AvailableResources>
</AreaEstimates>
</profile>
"""


def test_a_real_summary(shared: Path) -> None:
    found = parse_csynth((shared / 'reports' / 'vitis_hls' / 'csynth.rpt').read_text())
    assert found.figures() == {
        'luts': 8851,
        'ffs': 494,
        'dsps': 20,
        'latency_cycles': 3,
        'latency_ns': 15.0,
        'ii': 1,
    }
    assert found.figures().keys() <= METRICS.keys()
    assert (found.top, found.version, found.part) == ('hmodel_fn', '2025.1', 'xcvu13p-flga2577-2-e')
    assert (found.slack_ns, found.brams, found.urams) == (0.10, None, None)


def test_the_other_report_of_that_folder_is_refused(shared: Path) -> None:
    with pytest.raises(ReportParseError, match='not one summary'):
        parse_csynth((shared / 'reports' / 'vitis_hls' / 'csynth_design_size.rpt').read_text())


def test_modules_loops_and_what_is_unknown() -> None:
    found = parse_csynth(LOOPS)
    assert found.figures() == {'luts': 9000, 'ffs': 1966, 'dsps': 14, 'brams': 1.5, 'ii': 4}
    assert (found.top, found.slack_ns) == ('top', -0.44)


def test_xml() -> None:
    found = parse_csynth(XML)
    assert found.figures() == {
        'luts': 8851,
        'ffs': 494,
        'dsps': 20,
        'brams': 1.5,
        'urams': 0,
        'latency_cycles': 3,
        'latency_ns': 15.0,
        'ii': 1,
        'clock_ns': 5.0,
    }
    assert (found.top, found.version, found.part) == ('top', '2025.1', 'xcvu13p-flga2577-2-e')


def test_what_xml_does_not_know_is_absent() -> None:
    text = XML.replace('>3</Worst', '>undef</Worst').replace('15.000 ns', '?').replace('<URAM>0</URAM>\n', '', 1)
    figures = parse_csynth(text).figures()
    assert figures.keys() == {'luts', 'ffs', 'dsps', 'brams', 'ii', 'clock_ns'}
    assert parse_csynth(XML.replace('15.000 ns', '0.015 us')).latency_ns == 15.0
    assert parse_csynth(XML.replace('DSP>', 'DSP48E>')).dsps == 20


@pytest.mark.parametrize(
    ('before', 'after', 'message'),
    [
        ("of 'top'", "of 'bot'", "first module of the estimates is not 'bot'"),
        ('9000 (12%)', '9000 12% )', 'LUT is not a count'),
        ('9000 (12%)', '9OOO (12%)', 'LUT is not a count'),
        ('9000 (12%)', '           ', 'does not fit'),
        ('9000 (12%)', '          ', "LUT is not a count: ''"),
        ('  LUT    |', '  LVT    |', "no column 'LUT'"),
        ('  -0.44', '  -O.44', 'Slack is not a number'),
        ('+ Performance', '+ Perform', 'not one summary'),
        ('    * Version: ', '    * Fersion: ', "does not say 'Version'"),
    ],
)
def test_damaged_text_is_refused(before: str, after: str, message: str) -> None:
    assert before in LOOPS
    with pytest.raises(ReportParseError, match=message) as caught:
        parse_csynth(LOOPS.replace(before, after, 1), 'some/csynth.rpt')
    assert caught.value.location is not None
    assert caught.value.location.path == 'some/csynth.rpt'


@pytest.mark.parametrize(
    ('before', 'after', 'message', 'line'),
    [
        ('8851', '88x1', "LUT is not a count: '88x1'", 25),
        ('8851', '', "LUT is not a count: ''", 25),
        ('8851', '885 ', "LUT is not a count: '885 '", 25),
        ('<FF>494</FF>\n', '<FF>494</FF>\n<FF>495</FF>\n', 'two <FF>', 25),
        ('15.000 ns', '15.000 parsec', 'not a time', 15),
        ('<TopModelName>top</TopModelName>\n', '', 'no <TopModelName>', 2),
        ('<Resources>', '<Resource>', 'not XML: mismatched tag', 27),
        ('profile>', 'profit>', 'not of a synthesis', 2),
    ],
)
def test_damaged_xml_is_refused(before: str, after: str, message: str, line: int) -> None:
    assert before in XML
    text = XML.replace(before, after) if before == 'profile>' else XML.replace(before, after, 1)
    with pytest.raises(ReportParseError, match=message) as caught:
        parse_csynth(text, 'some/csynth.xml')
    assert caught.value.location is not None
    assert (caught.value.location.path, caught.value.location.line) == ('some/csynth.xml', line)


@pytest.mark.parametrize('text', [LOOPS, XML])
def test_every_truncation_is_right_or_refused(text: str) -> None:
    check_truncations(parse_csynth, text)


def test_latencies_of_a_microsecond_and_more() -> None:
    """Rounded by the tool, so that only the cycles are exact; each column of the header then has its own title."""
    text = LOOPS.replace('|      Latency     |', '| Latency |  Latency  |').replace('|  (ns)  |', '|    (ns)   |')
    text = text.replace('---+---------+--------+--', '---+---------+-----------+--')
    text = text.replace('|        -|       -|', '|     3083|  3.083e+04|').replace('|  60.000|', '|     60.000|')
    text = text.replace('|  50.000|', '|     50.000|')
    found = parse_csynth(text)
    assert (found.latency_cycles, found.latency_ns, found.luts) == (3083, None, 9000)
    assert 'latency_ns' not in found.figures()
    for wrong in ('3.083e+4 ', '3.08e+04 ', '30.83e+04', '0.083e+04', '3.083E+04'):
        with pytest.raises(ReportParseError):
            parse_csynth(text.replace('3.083e+04', wrong))
    with pytest.raises(ReportParseError):
        parse_csynth(text.replace('|     3083|', '|        -|'))
