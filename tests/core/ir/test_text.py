"""The text and JSON forms: they print, they parse back, they refuse what is not a program."""

import json

import pytest

from da4ml_core.errors import ParseError, VerificationError, VersionError
from da4ml_core.ir.affine import derived_intervals
from da4ml_core.ir.serialize import load_program, program_from_data, program_to_data, save_program
from da4ml_core.ir.table import MAX_ENTRIES
from da4ml_core.ir.text import parse_program, print_program
from da4ml_core.ir.verify import verify

PROGRAM = """\
program sum
inputs (2,)
outputs (2,)
%0 = input x[0] fixed<3,4> RND WRAP : [-128, 127]*2^-4
%1 = input x[1] fixed<3,4> TRN SAT_SYM : [-128, 127]*2^-4
%2 = const : [5, 5]*2^-4
%3 = add %2, %0, -%1<<1 : [-377, 388]*2^-4  ; dense (QDense)
%4 = relu %3 to ufixed<4,2> TRN WRAP : [0, 63]*2^-2  ; dense (QDense)
%5 = neg %1 : [-127, 128]*2^-4
%6 = quantize %5>>2 to fixed<1,3> RND_CONV SAT : [-16, 15]*2^-3
return %4, %6<<2
"""

TABLES = """\
program tables
inputs (1,)
outputs (1,)
table t0 {-3, 1, 4, 0, 123456789012345678901234567890}*2^-2
table t1 {7}
%0 = input x[0] fixed<1,0> TRN WRAP : [-2, 1]
%1 = lookup %0>>1 in t0 from -2*2^-1 : [-3, 4]*2^-2
%2 = const : [3, 3]
%3 = lookup %2 in t1 from 3 : [7, 7]
%4 = lookup %0 in t0 from -2 : [-3, 4]*2^-2
%5 = add %1, %3, %4 : [22, 36]*2^-2
return %5
"""


def test_tables_are_written_once_and_looked_up_by_number():
    program = parse_program(TABLES)
    assert print_program(program) == TABLES
    assert len(program.tables) == 2
    data = program_to_data(program)
    assert data['tables'][0] == [-2, [-3, 1, 4, 0, 123456789012345678901234567890]]
    assert program_from_data(json.loads(json.dumps(data))) == program


@pytest.mark.parametrize(
    ('old', 'new', 'message'),
    [
        ('from 3 ', 'from 2 ', 'the table is for [2, 2], which does not hold the operand [3, 3]'),
        ('from -2 ', 'from -2*2^1 ', 'the table is for [-2, 2]*2^1, which does not hold the operand [-2, 1]'),
        ('from -2 ', 'from -1 ', 'the table is for [-1, 3], which does not hold the operand [-2, 1]'),
        ('[7, 7]', '[7, 7]*2^1', 'does not hold the exact result [7, 7]'),
        ('%0 in t0', '-%0 in t0', 'is negated, which only an adder or a condition absorbs'),
    ],
)
def test_the_verifier_knows_what_a_table_is_for(old, new, message):
    assert old in TABLES
    with pytest.raises(VerificationError) as caught:
        verify(parse_program(TABLES.replace(old, new, 1)))
    assert any(message in violation for violation in caught.value.violations)


def test_a_table_has_at_most_a_million_entries():
    numbers = ', '.join('0' * (MAX_ENTRIES + 1))
    with pytest.raises(VerificationError) as caught:
        verify(parse_program(TABLES.replace('{7}', f'{{{numbers}}}')))
    assert caught.value.violations[0] == '%3 (lookup): a table has 1 to 1048576 entries, not 1048577'


def test_text_round_trip():
    program = parse_program(PROGRAM)
    assert print_program(program) == PROGRAM
    assert verify(program) is program
    assert [op.interval for op in program.ops] == derived_intervals(program)


@pytest.mark.parametrize('name', ['p.json', 'p.json.gz'])
def test_json_round_trip_is_exact_and_reproducible(tmp_path, name):
    program = parse_program(PROGRAM)
    save_program(program, tmp_path / name)
    first = (tmp_path / name).read_bytes()
    assert load_program(tmp_path / name) == program
    save_program(program, tmp_path / name)
    assert (tmp_path / name).read_bytes() == first


@pytest.mark.parametrize(
    ('old', 'new', 'message'),
    [
        ('add %2, %0', 'add %2, %9', 'the edge %9 does not come from an earlier value'),
        ('add %2, %0, -', 'add -%2, -%0, -', 'all operands are negated'),
        ('relu %3', 'relu -%3', 'the edge -%3 is negated, which only an adder or a condition absorbs'),
        ('[-377, 388]', '[-377, 387]', 'does not hold the exact result [-377, 388]*2^-4'),
        ('neg %1', 'neg %1, %0', '2 operands, not 1 to 1'),
        ('x[1]', 'x[2]', 'position 2 is not one of the 2 input elements'),
        ('[5, 5]', '[5, 6]', 'is not a single value'),
        ('ufixed<4,2> TRN', 'ufixed<4,2> RND', 'is not an unsigned type with TRN and WRAP'),
        ('outputs (2,)', 'outputs (3,)', 'the output shapes hold 3 elements, but there are 2 outputs'),
        ('%4, %6<<2', '%4, -%6<<2', 'output 1: the edge -%6<<2 is negated'),
        ('[0, 63]*2^-2', '[0, 63]*2^-1', 'does not hold the exact result'),
        ('add %2, %0, -%1<<1', 'mux', '%3 (mux): 0 operands, not 3 to 3'),
        ('-%1<<1 ', '-%1<<1073741824 ', '%3 (add): an exponent or a shift beyond 65536'),
        ('%6<<2', '%6>>65537', 'output 1: a shift beyond 65536'),
        ('fixed<1,3> RND_CONV', 'fixed<99999,3> RND_CONV', '%6 (quantize): an exponent or a shift beyond'),
        ('[5, 5]*2^-4', '[5, 5]*2^-99999', '%2 (const): an exponent or a shift beyond'),
    ],
)
def test_the_verifier_names_the_broken_law(old, new, message):
    assert old in PROGRAM
    with pytest.raises(VerificationError) as caught:
        verify(parse_program(PROGRAM.replace(old, new, 1)))
    assert any(message in violation for violation in caught.value.violations)


def test_the_verifier_reports_all_violations_at_once():
    broken = PROGRAM.replace('x[1]', 'x[2]').replace('relu %3', 'relu -%3')
    with pytest.raises(VerificationError) as caught:
        verify(parse_program(broken))
    assert len(caught.value.violations) == 2


@pytest.mark.parametrize(
    ('old', 'new', 'message', 'line'),
    [
        ('%3 = add', '%3 = mystery', "unknown operation 'mystery'", 7),
        ('%3 = add', '%4 = add', 'expected %3', 7),
        ('%0 = input', 'table t0 {}\n%0 = input', 'a table is written table t0 {1, 3, 7}*2^-3', 4),
        (
            '%5 = neg %1',
            '%5 = lookup %1 in t0',
            "'t0' is not a table and the first operand it is for, like t0 from -8*2^-2",
            9,
        ),
        ('-%1<<1', '-%1<1', "'-%1<1' is not an edge like -%3<<2", 7),
        ('RND_CONV', 'ROUND', "unknown mode in 'fixed<1,3> ROUND SAT'", 10),
        ('program sum', 'module sum', "expected 'program'", 1),
    ],
)
def test_parse_errors_name_the_line(old, new, message, line):
    with pytest.raises(ParseError) as caught:
        parse_program(PROGRAM.replace(old, new))
    assert caught.value.message == message
    assert caught.value.location.line == line


def test_affine_ranges_cancel_correlated_terms():
    program = parse_program("""\
program cancel
inputs (1,)
outputs (1,)
%0 = input x[0] fixed<3,0> TRN WRAP : [-8, 7]
%1 = add %0, %0<<2 : [-40, 35]
%2 = add %1, -%0<<2 : [-8, 7]
return %2
""")
    assert derived_intervals(program)[2] == (-8, 7, 0)
    verify(program)


def test_foreign_and_damaged_files_are_refused(tmp_path):
    path = tmp_path / 'p.json'
    data = program_to_data(parse_program(PROGRAM))
    with pytest.raises(VersionError):
        program_from_data({**data, 'version': 2})
    with pytest.raises(ParseError):
        program_from_data({**data, 'format': 'other'})
    with pytest.raises(ParseError, match='op 3 is malformed'):
        program_from_data({**data, 'ops': [*data['ops'][:3], ['add', 'x'], *data['ops'][4:]]})
    path.write_text(json.dumps(data)[:-20])
    with pytest.raises(ParseError) as caught:
        load_program(path)
    assert caught.value.location.path == str(path)
    path = tmp_path / 'p.json.gz'
    save_program(parse_program(PROGRAM), path)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ParseError, match='truncated'):
        load_program(path)
    with pytest.raises(ParseError, match='No such file'):
        load_program(tmp_path / 'none.json')
