"""A constant added to a sum moves to an early term of it; no output changes and nothing gets later."""

import pytest
from pass_laws import check_random

from da4ml_core.ir.cost import depth
from da4ml_core.ir.text import parse_program, print_program
from da4ml_core.ir.verify import verify
from da4ml_core.passes.dead_code import eliminate_dead_code
from da4ml_core.passes.sink_constants import sink_constants

BEFORE = """\
program bias
inputs (3,)
outputs (1,)
%0 = input x[0] ufixed<4,0> TRN WRAP : [0, 15]
%1 = input x[1] ufixed<4,0> TRN WRAP : [0, 15]
%2 = input x[2] ufixed<4,0> TRN WRAP : [0, 15]
%3 = add %0, -%1<<1 : [-30, 15]  ; dense
%4 = add %2, -%3<<1 : [-30, 75]  ; dense
%5 = const : [3, 3]  ; dense
%6 = add %5, -%4<<1 : [-147, 63]  ; dense
return %6
"""
AFTER = """\
program bias
inputs (3,)
outputs (1,)
%0 = input x[0] ufixed<4,0> TRN WRAP : [0, 15]
%1 = input x[1] ufixed<4,0> TRN WRAP : [0, 15]
%2 = input x[2] ufixed<4,0> TRN WRAP : [0, 15]
%3 = add %0, -%1<<1 : [-30, 15]  ; dense
%4 = const : [3, 3]  ; dense
%5 = add %4, -%2<<1 : [-27, 3]  ; dense
%6 = add %5, %3<<2 : [-147, 63]  ; dense
return %6
"""


def test_the_constant_meets_the_term_that_waits():
    program = parse_program(BEFORE)
    moved = verify(eliminate_dead_code(sink_constants(program)))
    assert print_program(moved) == AFTER
    assert (depth(program), depth(moved)) == (3, 2)


@pytest.mark.parametrize(
    'change',
    [
        ('return %6', 'return %6, %4'),
        ('-%4<<1 : [-147', '-%2<<1 : [-147'),
        ('add %5, -%4<<1 :', 'add %2, -%4<<1 :'),
        ('add %5, -%4<<1 : [-147, 63]', 'add %4<<1, -%5 : [-63, 147]'),
    ],
    ids=['the sum is used elsewhere', 'no sum', 'no constant', 'a subtracted constant'],
)
def test_what_cannot_move_stays(change):
    program = parse_program(BEFORE.replace(*change))
    assert sink_constants(program) == program


@pytest.mark.parametrize('seed', range(150))
def test_random_programs(seed):
    before, after = check_random(sink_constants, seed)
    moved = verify(eliminate_dead_code(after))
    assert depth(moved) <= depth(before)
    assert moved.num_adders <= before.num_adders
