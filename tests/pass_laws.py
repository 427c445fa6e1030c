"""The laws of passes, and how their tests write programs: what one makes of a text, and of random programs."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from fractions import Fraction
from textwrap import dedent

from random_programs import random_codes, random_program

from da4ml_core.interp.reference import evaluate
from da4ml_core.ir import Program
from da4ml_core.ir.text import parse_program, print_program
from da4ml_core.ir.verify import verify
from da4ml_core.passes.dead_code import eliminate_dead_code
from da4ml_core.passes.narrow import reprove

Pass = Callable[[Program], Program]
INPUTS = '%0 = input x[0] fixed<3,0> TRN WRAP : [-8, 7]\n%1 = input x[1] ufixed<3,0> TRN WRAP : [0, 7]\n'


def program_text(body: str) -> str:
    """A program in short: its tables, operations from %2 on, and `return`; %0 is signed and %1 is not."""
    lines = dedent(body).strip().split('\n')
    tables = ''.join(f'{line}\n' for line in lines if line.startswith('table'))
    rest = ''.join(f'{line}\n' for line in lines if not line.startswith('table'))
    return f'program p\ninputs (2,)\noutputs ({lines[-1].count(",") + 1},)\n{tables}{INPUTS}{rest}'


def given(body: str) -> Program:
    """The verified program of a text in short."""
    return verify(parse_program(program_text(body)))


def check_becomes(each: Pass, before: str, after: str) -> None:
    """The pass makes of one text the other, once what it leaves behind is gone."""
    found = verify(eliminate_dead_code(reprove(each(given(before)))))
    assert print_program(found) == program_text(after)


def check_stays(each: Pass, body: str) -> None:
    """The pass has nothing to do."""
    program = given(body)
    assert print_program(program) == program_text(body), 'not as it would be printed'
    assert each(program) == program


def exact_outputs(program: Program, codes: Sequence[int]) -> list[Fraction]:
    """The numbers that a program computes, by the reference interpreter."""
    intervals = program.output_intervals
    return [code * Fraction(2) ** step.exp for code, step in zip(evaluate(program, codes), intervals, strict=True)]


def check_same_outputs(before: Program, after: Program, rng: random.Random, samples: int = 8) -> None:
    """Both compute the same numbers from the same codes, and have the same ports."""
    assert [port for _, port in after.input_ops()] == [port for _, port in before.input_ops()]
    for _ in range(samples):
        codes = random_codes(rng, before)
        assert exact_outputs(after, codes) == exact_outputs(before, codes)


def check_random(
    each: Pass, seed: int, *, num_ops: int = 25, max_width: int = 20, idempotent: bool = True
) -> tuple[Program, Program]:
    """A random program and what the pass makes of it: legal, with the same outputs, and final if it should be."""
    rng = random.Random(seed)
    before = random_program(rng, num_ops=num_ops, max_width=max_width, narrow=seed % 2 == 0)
    after = verify(reprove(each(before)))
    check_same_outputs(before, after, rng)
    if idempotent:
        assert reprove(each(after)) == after
    return before, after
