"""Delays of each operation on a device: levels of LUTs and carry chains of the bits that are asked for."""

import random

import pytest
from pass_laws import given
from random_programs import random_program

from da4ml_core.device import DEVICES, device
from da4ml_core.passes.datapath import demanded_windows, value_intervals
from da4ml_core.passes.delay import op_delays_ps

FAMILY = device('xilinx-us+')


def delays_ps(program, family=FAMILY):
    intervals = value_intervals(program)
    return op_delays_ps(program, intervals, demanded_windows(program, intervals), family)


def chain(bits):
    return FAMILY.adder_delay_ns(bits)


LEVEL = FAMILY.lut_level_ns
TABLE = 'table t0 {3, 1, 4, 1, 5, 9, 2, 6}\n'
CASES = {
    'a wire': ('%2 = add %1, %1<<3 : [0, 63]', 0.0),
    'a sum': ('%2 = add %1, %1<<1 : [0, 21]', chain(5)),
    'a difference': ('%2 = add %0, -%1 : [-15, 7]', chain(5)),
    'a sum of three': ('%2 = add %0, %1, %1<<1 : [-8, 28]', chain(6) + LEVEL),
    'the opposite': ('%2 = neg %0 : [-7, 8]', chain(5)),
    'a rectifier': ('%2 = relu %0 : [0, 7]', LEVEL),
    'a selection': ('%2 = mux %0, %1, %1<<1 : [0, 14]', LEVEL),
    'dropped bits': ('%2 = quantize %0 to fixed<1,0> TRN WRAP : [-2, 1]', 0.0),
    'rounding': ('%2 = quantize %0 to fixed<4,-1> RND WRAP : [-4, 4]*2^1', chain(4)),
    'saturation': (
        '%2 = quantize %0 to fixed<1,0> TRN SAT : [-2, 1]',
        LEVEL + FAMILY.gate_delay_ns(4),
    ),
    'a table': (TABLE + '%2 = lookup %1 in t0 from 0 : [1, 9]', LEVEL),
    'a product, of rows in pairs': ('%2 = mul %0, %1 : [-56, 49]', 2 * chain(7)),
    'a function of bits': ('%2 = bitwise xor %0, %1 : [-8, 7]', 0.0),
}


@pytest.mark.parametrize('case', CASES)
def test_the_delay_of_an_operation(case):
    text, expected_ns = CASES[case]
    assert delays_ps(given(f'{text}\nreturn %2'))[2] == pytest.approx(1000 * expected_ns, abs=1)


def test_a_shorter_chain_where_fewer_bits_are_asked_for():
    body = '%2 = add %0, %1<<1 : [-8, 21]\n%3 = quantize %2 to ufixed<2,0> TRN WRAP : [0, 3]\nreturn '
    carry = '%2 = add %0, %1 : [-8, 14]\n%3 = quantize %2 to fixed<4,-2> TRN WRAP : [-2, 3]*2^2\nreturn %3'
    assert delays_ps(given(carry))[2] == pytest.approx(1000 * chain(5), abs=1)  # the low bits carry
    short, long, none = (delays_ps(given(body + output))[2] for output in ('%3', '%2', '%0'))
    assert none == 0 < short < long


@pytest.mark.parametrize('family', DEVICES)
def test_random_programs(family):
    rng = random.Random(family)
    for _ in range(15):
        program = random_program(rng, num_ops=25)
        delays = delays_ps(program, device(family))
        windows = demanded_windows(program, value_intervals(program))
        assert all(delay >= 0 for delay in delays)
        for op, window, delay in zip(program.ops, windows, delays, strict=True):
            assert delay == 0 or (op.operands and window.width_bits)
