"""Warnings out of recorded lines."""

from da4ml_flow.eda.parsers.verilator_log import LintWarning, parse_warnings

LOG = """\
verilator -f da4ml_kernels_pair_0.1.0.vc
%Warning-WIDTHEXPAND: src/pair.v:66:30: Operator ADD expects 8 bits on the LHS, but LHS's VARREF 'a' generates 6 bits.
                                      : ... note: In instance 'top'
   66 | wire signed [7:0] sum = a + (b <<< 1);
      |                           ^
                      ... For warning description see https://verilator.org/warn/WIDTHEXPAND?v=0.000
%Warning-DECLFILENAME: src/pair.v:1:8: Filename 'pair' does not match MODULE name: 'other'
%Warning-MULTITOP: Multiple top level modules
%Warning: nothing like the others
%Error: src/pair.v:3:1: syntax error
- Verilator: Walltime 0.023 s
"""


def test_a_recorded_log() -> None:
    assert parse_warnings(LOG) == (
        LintWarning(
            'WIDTHEXPAND',
            'src/pair.v',
            66,
            "Operator ADD expects 8 bits on the LHS, but LHS's VARREF 'a' generates 6 bits.",
        ),
        LintWarning('DECLFILENAME', 'src/pair.v', 1, "Filename 'pair' does not match MODULE name: 'other'"),
        LintWarning('MULTITOP', '', 0, 'Multiple top level modules'),
        LintWarning('UNKNOWN', '', 0, '%Warning: nothing like the others'),
    )


def test_how_a_warning_reads() -> None:
    assert str(LintWarning('X', 'a.v', 3, 'text')) == 'a.v:3: X: text'
    assert str(LintWarning('X', '', 0, 'text')) == 'X: text'


def test_a_clean_log() -> None:
    assert parse_warnings('- Verilator: Built\n') == ()
