"""The pass manager: a fixed point, verified, with the same outputs, of programs from anywhere."""

import random
from itertools import pairwise

import pytest
from pass_laws import check_same_outputs, given, program_text
from random_programs import random_program

import da4ml_core as dc
from da4ml_core.device import device
from da4ml_core.ir.text import parse_program, print_program
from da4ml_core.passes.optimize import optimize
from da4ml_core.passes.order import peak_live

FAMILY = device('xilinx-us+')
BEFORE = """
    table t0 {9, 0, 2, 4, 6, 8, 10, 12, 14}
    %2 = const : [11, 11]
    %3 = quantize %2 to ufixed<3,0> TRN WRAP : [0, 7]
    %4 = add %0, %3<<1 : [-8, 21]
    %5 = add %3<<1, %0 : [-8, 21]
    %6 = add %5, -%4 : [-29, 29]
    %7 = lookup %1 in t0 from -1 : [0, 14]
    %8 = add %7, %6, %4 : [-37, 64]
    return %8
    """
AFTER = """
    table t0 {-2, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13}
    %2 = lookup %0 in t0 from -8 : [-2, 13]
    %3 = add %1, %2>>1 : [-2, 27]*2^-1
    return %3<<1
    """


@pytest.mark.parametrize('seed', range(80))
def test_random_programs_keep_their_outputs_and_are_final(seed):
    rng = random.Random(seed)
    before = random_program(rng, num_ops=25, max_width=(6, 20)[seed % 4 > 0], narrow=seed % 2 == 0)
    ternary = seed % 3 == 0
    seen = []
    after = optimize(before, FAMILY, ternary, watch=lambda name, program: seen.append((name, program)))
    assert after.num_ops <= before.num_ops
    assert peak_live(after) <= peak_live(before)
    for program in (after, rng.choice([after, *(program for _, program in seen)])):
        check_same_outputs(before, program, rng)
    assert optimize(after, FAMILY, ternary) == after
    assert optimize(before, FAMILY, ternary) == after  # watched or not


def test_passes_make_room_for_each_other_and_are_shown():
    seen = []
    found = optimize(given(BEFORE), watch=lambda name, program: seen.append((name, print_program(program))))
    assert print_program(found) == program_text(AFTER)
    names = [name for name, _ in seen]
    assert {'narrow', 'fold_constants', 'canonicalize', 'simplify_arithmetic', 'share'} <= set(names)
    assert seen[-1][1] == print_program(found)
    assert all(a != b for (_, a), (_, b) in pairwise(seen))


def test_a_loaded_program_is_optimized_again(tmp_path):
    program = dc.Program.of(parse_program(program_text(BEFORE)))
    for suffix in ('.json.gz', '.alir.json', '.dais'):
        program.save(tmp_path / f'p{suffix}')
        again = dc.load(tmp_path / f'p{suffix}').optimize()
        assert again.num_adders == 1
        check_same_outputs(given(AFTER), again, random.Random(suffix))
