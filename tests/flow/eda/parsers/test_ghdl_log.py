"""Warnings out of recorded lines."""

from da4ml_flow.eda.parsers.ghdl_log import parse_warnings
from da4ml_flow.eda.parsers.verilator_log import LintWarning

LOG = """\
ghdl -a --std=08 -Wunused src/pair.vhd
src/pair.vhd:3:9:warning: signal "left_over" is never referenced [-Wunused]
 signal left_over : bit;
        ^
src/pair.vhd:7:1:@5ns:(assertion warning): seen
/usr/bin/ghdl-mcode:*command-line*: warning: library work does not exist
"""


def test_a_recorded_log() -> None:
    assert parse_warnings(LOG) == (
        LintWarning('unused', 'src/pair.vhd', 3, 'signal "left_over" is never referenced'),
        LintWarning('UNKNOWN', '', 0, '/usr/bin/ghdl-mcode:*command-line*: warning: library work does not exist'),
    )


def test_a_clean_log_has_none() -> None:
    assert parse_warnings('ghdl -a --std=08 src/pair.vhd\n') == ()
