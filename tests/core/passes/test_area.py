"""LUTs of each operation on a device: only bits that an output asks for, and none for wiring."""

import random

import pytest
from pass_laws import given
from random_programs import random_program

from da4ml_core.device import DEVICES, device
from da4ml_core.passes.area import lut_estimate, luts_by_op, op_luts
from da4ml_core.passes.dead_code import eliminate_dead_code

HALF = 'xilinx-us+'  # LUTs of two outputs, carry chains beside them
WHOLE = 'generic-lut4'
TABLE = 'table t0 {3, 1, 4, 1, 5, 9, 2, 6}\n'
CASES = {
    'a wire': ('%2 = add %1, %1<<3 : [0, 63]', 0, 0),
    'bits that meet': ('%2 = add %1, %1<<1 : [0, 21]', 2, 4),
    'one sign for all bits above both': ('%2 = add %0, %0<<8 : [-2056, 1799]', 4, 5),
    'a subtracted term, from its lowest bit': ('%2 = add %1<<2, -%1 : [0, 21]', 5, 5),
    'a constant with zeros': ('%2 = const : [5, 5]\n%3 = add %1, %2 : [5, 12]', 2, 4),
    'a sum of three': ('%2 = add %0, %1, %1<<1 : [-8, 28]', 6, 12),
    'a table': (TABLE + '%2 = lookup %1 in t0 from 0 : [1, 9]', 2, 4),
    'the opposite': ('%2 = neg %1 : [-7, 0]', 3, 4),
    'a rectifier': ('%2 = relu %0 : [0, 7]', 1.5, 3),
    'a rectifier of what has no sign': ('%2 = relu %1 : [0, 7]', 0, 0),
    'dropped bits': ('%2 = quantize %0 to fixed<1,0> TRN WRAP : [-2, 1]', 0, 0),
    'rounding': ('%2 = quantize %0 to fixed<4,-1> RND WRAP : [-4, 4]*2^1', 4, 4),
    'saturation': ('%2 = quantize %0 to fixed<1,0> TRN SAT : [-2, 1]', 1, 2),
    'a selection': ('%2 = mux %0, %1, %1<<1 : [0, 14]', 2, 4),
    'a selection between constants': (
        '%2 = const : [1, 1]\n%3 = const : [3, 3]\n%4 = mux %0, %2, %3 : [1, 3]',
        0,
        0,
    ),
    'a function of bits': ('%2 = bitwise xor %0, %1 : [-8, 7]', 2, 4),
    'a mask': ('%2 = const : [5, 5]\n%3 = bitwise and %1, %2 : [0, 5]', 0, 0),
    'a product': ('%2 = mul %0, %1 : [-56, 49]', 8, 8),
}


@pytest.mark.parametrize('case', CASES)
def test_luts_of_the_last_operation(case):
    text, half, whole = CASES[case]
    last = text.removeprefix(TABLE).count('\n') + 2
    program = given(f'{text}\nreturn %{last}')
    assert (op_luts(program, device(HALF))[last], op_luts(program, device(WHOLE))[last]) == (half, whole)


def test_only_bits_that_reach_an_output_count():
    family = device(HALF)
    body = '%2 = add %0, %1<<1 : [-8, 21]\n%3 = quantize %2 to ufixed<2,0> TRN WRAP : [0, 3]\nreturn '
    assert lut_estimate(given(body + '%3'), family) == 1  # bit 0 is a wire
    assert lut_estimate(given(body + '%2'), family) == 3  # and the sign no bit of %1
    assert lut_estimate(given(body + '%0'), family) == 0


@pytest.mark.parametrize('family', DEVICES)
def test_random_programs(family):
    rng = random.Random(family)
    for _ in range(15):
        program = random_program(rng, num_ops=25)
        luts = op_luts(program, device(family))
        assert all(number >= 0 for number in luts)
        assert lut_estimate(program, device(family)) == sum(luts)
        assert lut_estimate(eliminate_dead_code(program), device(family)) == sum(luts)
        one = rng.randrange(program.num_ops)
        assert luts_by_op(program, device(family))(one) == luts[one]
