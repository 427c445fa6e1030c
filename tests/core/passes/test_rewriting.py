"""Rewriting: each value has one edge in the new program, through which all that reads it goes."""

import random

import pytest
from pass_laws import check_random, given, program_text
from random_programs import random_program

from da4ml_core.ir import Opcode, Operand
from da4ml_core.ir.text import print_program
from da4ml_core.passes.rewriting import Rewriting, rewrite, through, use_counts

BODY = """
    %2 = neg %0 : [-7, 8]
    %3 = add %1, -%2<<1 : [-16, 21]
    %4 = relu %3 : [0, 21]
    return %4, %2
    """


def test_a_rule_that_keeps_all_gives_the_same_program():
    program = given(BODY)
    assert rewrite(program, lambda new, op: new.append(op)) == program


def test_what_reads_a_value_reads_its_edge_scaled_and_signed():
    def without_negations(new, op):
        return op.operands[0]._replace(shift=3) if op.opcode is Opcode.NEG else new.append(op)

    found = rewrite(given(BODY), without_negations)
    after = """
        %2 = add %1, -%0<<4 : [-16, 21]
        %3 = relu %2 : [0, 21]
        return %3, %0<<3
        """
    assert print_program(found) == program_text(after)


def test_more_operations_than_before_move_the_rest():
    def doubled(new, op):
        if op.opcode is Opcode.RELU:
            new.constant(1, 0)
        return new.append(op)

    after = """
        %2 = neg %0 : [-7, 8]
        %3 = add %1, -%2<<1 : [-16, 21]
        %4 = const : [1, 1]
        %5 = relu %3 : [0, 21]
        return %5, %2
        """
    assert print_program(rewrite(given(BODY), doubled)) == program_text(after)


@pytest.mark.parametrize(('code', 'exp', 'odd', 'shift'), [(12, 0, 3, 2), (-8, 1, -1, 4), (5, -3, 5, -3), (0, 7, 0, 0)])
def test_a_constant_is_odd_and_its_edge_has_the_rest(code, exp, odd, shift):
    new = Rewriting(given(BODY))
    edge = new.constant(code, exp)
    assert (edge, new.ops[0].interval) == (Operand(0, shift), (odd, odd, 0))
    assert new.interval(edge)[:2] == (odd, odd)


def test_edges_follow_each_other():
    assert through(Operand(7, 2, True), Operand(3, -1, True)) == Operand(3, 1, False)
    assert through(Operand(7, 0, False), Operand(3, 4, True)) == Operand(3, 4, True)


def test_uses_are_those_of_operands_and_outputs():
    assert use_counts(given('%2 = add %0, %0<<1 : [-24, 21]\nreturn %2, %2, %0')) == [3, 0, 2]


@pytest.mark.parametrize('seed', range(20))
def test_random_programs(seed):
    check_random(lambda program: rewrite(program, lambda new, op: new.append(op)), seed)
    program = random_program(random.Random(seed))
    moved = rewrite(program, lambda new, op: (new.constant(3, 0), new.append(op))[1])
    assert moved.ops[1::2] == tuple(op.renumbered(range(1, 2 * program.num_ops, 2)) for op in program.ops)
