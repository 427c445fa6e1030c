"""Conversions as dropped bits: what rounding adds and saturation selects, for formats that know no more."""

import random

import pytest
from pass_laws import check_becomes, check_stays, exact_outputs
from random_programs import random_codes, random_program

from da4ml_core.fixed import Overflow, Rounding
from da4ml_core.ir import Opcode
from da4ml_core.ir.text import parse_program
from da4ml_core.ir.verify import verify
from da4ml_core.passes.lower_conversions import lower_conversions
from da4ml_core.passes.narrow import narrow, reprove

CASES = {
    'to the nearest, ties upwards: half a step more': (
        """
        %2 = quantize %0 to fixed<4,-1> RND WRAP : [-4, 4]*2^1
        return %2
        """,
        """
        %2 = const : [1, 1]
        %3 = add %0, %2 : [-7, 8]
        %4 = quantize %3 to fixed<4,-1> TRN WRAP : [-4, 4]*2^1
        return %4
        """,
    ),
    'ties downwards: a bit less than half a step': (
        """
        %2 = quantize %0 to fixed<4,-2> RND_MIN_INF WRAP : [-2, 2]*2^2
        return %2
        """,
        """
        %2 = const : [1, 1]
        %3 = add %0, %2 : [-7, 8]
        %4 = quantize %3 to fixed<4,-2> TRN WRAP : [-2, 2]*2^2
        return %4
        """,
    ),
    'towards zero: a choice by the sign': (
        """
        %2 = quantize %0 to fixed<4,-2> TRN_ZERO WRAP : [-2, 1]*2^2
        return %2
        """,
        """
        %2 = const : [3, 3]
        %3 = add %0, %2 : [-5, 10]
        %4 = mux %0, %3, %0 : [-8, 10]
        %5 = quantize %4 to fixed<4,-2> TRN WRAP : [-2, 2]*2^2
        return %5
        """,
    ),
    'ties to even: the last bit that stays': (
        """
        %2 = quantize %0 to fixed<4,-2> RND_CONV WRAP : [-2, 2]*2^2
        return %2
        """,
        """
        %2 = quantize %0 to ufixed<3,-2> TRN WRAP : [0, 1]*2^2
        %3 = const : [1, 1]
        %4 = add %0, %3 : [-7, 8]
        %5 = add %4, %2>>2 : [-7, 9]
        %6 = quantize %5 to fixed<4,-2> TRN WRAP : [-2, 2]*2^2
        return %6
        """,
    ),
    'saturation: a choice at each end': (
        """
        %2 = quantize %0 to fixed<2,0> TRN SAT : [-4, 3]
        return %2
        """,
        """
        %2 = const : [3, 3]
        %3 = add %2, -%0 : [-4, 11]
        %4 = const : [3, 3]
        %5 = mux %3, %4, %0 : [-8, 7]
        %6 = const : [1, 1]
        %7 = add %6<<2, %5 : [-4, 11]
        %8 = const : [-1, -1]
        %9 = mux %7, %8<<2, %5 : [-8, 7]
        %10 = quantize %9 to fixed<2,0> TRN WRAP : [-4, 3]
        return %10
        """,
    ),
    'out of range is zero': (
        """
        %2 = quantize %0 to ufixed<2,0> TRN SAT_ZERO : [0, 3]
        return %2
        """,
        """
        %2 = const : [3, 3]
        %3 = add %2, -%0 : [-4, 11]
        %4 = const : [0, 0]
        %5 = mux %3, %4, %0 : [-8, 7]
        %6 = const : [0, 0]
        %7 = add %6, %5 : [-8, 7]
        %8 = const : [0, 0]
        %9 = mux %7, %8, %5 : [-8, 7]
        %10 = quantize %9 to ufixed<2,0> TRN WRAP : [0, 3]
        return %10
        """,
    ),
    'a type without bits': (
        """
        %2 = quantize %0 to fixed<0,0> RND SAT : [-1, 0]
        %3 = quantize %0 to ufixed<0,0> RND SAT : [0, 0]
        return %3
        """,
        """
        %2 = const : [0, 0]
        return %2
        """,
    ),
}
STAYS = {
    'dropped bits, and other operations': """
        %2 = quantize %0 to fixed<2,-1> TRN WRAP : [-2, 1]*2^1
        %3 = relu %2 to ufixed<1,0> TRN WRAP : [0, 1]
        %4 = neg %0 : [-7, 8]
        return %3, %4
        """,
}


@pytest.mark.parametrize('case', CASES)
def test_before_and_after(case):
    check_becomes(lower_conversions, *CASES[case])


@pytest.mark.parametrize('case', STAYS)
def test_what_stays(case):
    check_stays(lower_conversions, STAYS[case])


@pytest.mark.parametrize('rounding', Rounding)
@pytest.mark.parametrize('overflow', Overflow)
def test_every_mode_is_lowered(rounding, overflow):
    source = f"""\
program modes
inputs (1,)
outputs (2,)
%0 = input x[0] fixed<4,4> TRN WRAP : [-256, 255]*2^-4
%1 = quantize %0 to fixed<2,1> {rounding} {overflow} : [-8, 7]*2^-1
%2 = quantize %0 to ufixed<2,3> {rounding} {overflow} : [0, 31]*2^-3
return %1, %2
"""
    program = verify(reprove(parse_program(source)))
    lowered = verify(narrow(reprove(lower_conversions(program))))
    assert all(op.attribute.is_wiring for op in lowered.ops if op.opcode is Opcode.QUANTIZE)
    for code in range(-256, 256):
        assert exact_outputs(lowered, [code]) == exact_outputs(program, [code])


@pytest.mark.parametrize(
    ('modes', 'after'),
    [
        ('RND WRAP', 'fixed<2,1> TRN WRAP'),
        ('RND SAT', 'fixed<2,0> RND SAT'),
        ('RND_INF WRAP', 'fixed<2,0> RND_INF WRAP'),
        ('TRN WRAP', 'fixed<2,0> TRN WRAP'),
    ],
)
def test_a_port_that_rounds_and_wraps_has_a_bit_more(modes, after):
    text = f'program p\ninputs (1,)\noutputs (1,)\n%0 = input x[0] fixed<2,0> {modes} : [-4, 3]\nreturn %0\n'
    ((_, port),) = verify(reprove(lower_conversions(parse_program(text)))).input_ops()
    assert str(port) == f'x[0] {after}'


@pytest.mark.parametrize('seed', range(60))
def test_random_programs(seed):
    rng = random.Random(seed)
    before = random_program(rng, num_ops=25, narrow=seed % 2 == 0, without=(Opcode.LOOKUP,) if seed % 3 else ())
    after = lower_conversions(before)
    if seed % 3:  # the domain of a table may have been proved by a saturation
        verify(reprove(after))
    assert all(op.attribute.is_wiring for op in after.ops if op.opcode is Opcode.QUANTIZE)
    assert lower_conversions(after) == after
    ports = [(old.quantization.type, new.quantization.type) for (_, old), (_, new) in both_ports(before, after)]
    for _ in range(8):
        codes = random_codes(rng, before)
        finer = [code << new.frac_bits - old.frac_bits for code, (old, new) in zip(codes, ports, strict=True)]
        assert exact_outputs(after, finer) == exact_outputs(before, codes)


def both_ports(before, after):
    return zip(before.input_ops(), after.input_ops(), strict=True)
