"""An interpreter of the text form written from docs/ir.md alone, on fractions, against the reference interpreter."""

import math
import random
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from random_programs import random_program

import da4ml_core as dc
from da4ml_core.interp.ports import encode_matrix
from da4ml_core.interp.reference import evaluate
from da4ml_core.ir.text import print_program

MODELS = Path(__file__).parents[4] / 'shared' / 'models' / 'hgq2'
LINE = re.compile(r'%\d+ = (\w+)(?: (.*?))? : \[(-?\d+), (-?\d+)\](?:\*2\^(-?\d+))?(?:  ; .*)?')
SCALED = re.compile(r'(-?\d+)(?:\*2\^(-?\d+))?')
TYPE = re.compile(r'(u?)fixed<(-?\d+),(-?\d+)> (\w+) (\w+)')
BITS = {'and': int.__and__, 'or': int.__or__, 'xor': int.__xor__}


def power(exp):
    return Fraction(2) ** int(exp or 0)


def scaled(text):
    code, exp = SCALED.fullmatch(text).groups()
    return int(code) * power(exp)


def nearest(value, tie_upwards):
    below = math.floor(value)
    rest = value - below
    return below + (rest > Fraction(1, 2) or (rest == Fraction(1, 2) and tie_upwards(below)))


ROUND = {
    'TRN': math.floor,
    'TRN_ZERO': math.trunc,
    'RND': lambda value: nearest(value, lambda below: True),
    'RND_ZERO': lambda value: nearest(value, lambda below: value < 0),
    'RND_INF': lambda value: nearest(value, lambda below: value > 0),
    'RND_MIN_INF': lambda value: nearest(value, lambda below: False),
    'RND_CONV': lambda value: nearest(value, lambda below: below % 2 == 1),
}


def convert(value, text):
    """A number in a type, as the page says under ``quantize``."""
    unsigned, int_bits, frac_bits, rounding, overflow = TYPE.fullmatch(text).groups()
    bits = int(int_bits) + int(frac_bits)
    if bits < 0 or (unsigned and bits == 0):
        return Fraction(0)
    low, high = (0 if unsigned else -(1 << bits)), (1 << bits) - 1
    code = ROUND[rounding](value / power(-int(frac_bits)))
    if overflow == 'WRAP':
        code = (code - low) % (high - low + 1) + low
    elif overflow == 'SAT_ZERO':
        code = code if low <= code <= high else 0
    else:
        lowest = -high if overflow == 'SAT_SYM' and not unsigned else low
        code = min(max(code, lowest), high)
    return code * power(-int(frac_bits))


def edge_value(text, values):
    sign, index, direction, shift = re.fullmatch(r'(-?)%(\d+)(?:(<<|>>)(\d+))?', text).groups()
    value = values[int(index)] * power(int(shift or 0) * (-1 if direction == '>>' else 1))
    return -value if sign else value


def result(opcode, body, values, x, tables):
    if opcode == 'input':
        position, kind = re.fullmatch(r'x\[(\d+)\] (.*)', body).groups()
        return convert(x[int(position)], kind)
    if opcode == 'lookup':
        operand, table, first = re.fullmatch(r'(\S+) in (t\d+) from (\S+)', body).groups()
        step = power(SCALED.fullmatch(first)[2])
        place = (edge_value(operand, values) - scaled(first)) / step
        assert place.denominator == 1
        assert place >= 0
        return tables[table][int(place)]
    function = ''
    if opcode == 'bitwise':
        function, body = body.split(' ', 1)
    body, _, kind = body.partition(' to ')
    operands = [edge_value(text, values) for text in body.split(', ')]
    if opcode == 'add':
        return sum(operands)
    if opcode == 'neg':
        return -operands[0]
    if opcode == 'mul':
        return operands[0] * operands[1]
    if opcode == 'mux':
        return operands[1] if operands[0] < 0 else operands[2]
    if opcode == 'quantize':
        return convert(operands[0], kind)
    if opcode == 'relu':
        value = max(operands[0], Fraction(0))
        return convert(value, kind) if kind else value
    assert opcode == 'bitwise'
    step = Fraction(1, max(value.denominator for value in operands))  # a finer one has zeros there in both
    a, b = (int(value / step) for value in operands)
    return BITS[function](a, b) * step


def run(text, samples):
    """The outputs of each sample."""
    lines = text.splitlines()
    tables, ops = {}, []
    for line in lines[3:-1]:
        if line.startswith('table '):
            name, entries, exp = re.fullmatch(r'table (t\d+) \{(.*)\}(?:\*2\^(-?\d+))?', line).groups()
            tables[name] = [int(entry) * power(exp) for entry in entries.split(', ')]
        else:
            ops.append(LINE.fullmatch(line).groups())
    found = []
    for x in samples:
        values = []
        for opcode, body, low, high, exp in ops:
            step = power(exp)
            value = int(low) * step if opcode == 'const' else result(opcode, body, values, x, tables)
            code = value / step
            assert code.denominator == 1
            assert int(low) <= code <= int(high)
            values.append(value)
        found.append([edge_value(edge, values) for edge in lines[-1].removeprefix('return ').split(', ')])
    return found


def compare(program, x):
    found = run(print_program(program), [[Fraction(float(number)) for number in row] for row in x])
    exps = [interval.exp for interval in program.output_intervals]
    for row, codes in zip(found, encode_matrix(program, np.asarray(x, dtype=np.float64)), strict=True):
        expected = evaluate(program, [int(code) for code in codes])
        assert row == [code * power(exp) for code, exp in zip(expected, exps, strict=True)]


@pytest.mark.parametrize(('first', 'last'), [(0, 40), pytest.param(40, 340, marks=pytest.mark.slow)])
def test_random_programs_mean_what_the_page_says(first, last):
    for seed in range(first, last):
        rng = random.Random(seed)
        program = random_program(rng, num_ops=30, narrow=seed % 2 == 0)
        compare(program, [[rng.randrange(-4096, 4096) / 64 for _ in range(4)] for _ in range(10)])


@pytest.mark.slow
@pytest.mark.parametrize(
    'name',
    [
        'jsc_openml_acc73.3.keras',
        'jsc_openml_acc77.1.keras',
        'jsc_openml_da4ml_acc76.86.h5',
        'linformer_8part.keras',
    ],
)
def test_models_mean_what_the_page_says(name):
    if not (MODELS / name).exists():
        pytest.skip('the shared models are not here')
    stem = name.removesuffix('.keras').removesuffix('.h5')
    x = np.load(MODELS / f'{stem}.io.npz')['x'][:20]
    compare(dc.load_model(MODELS / name), x.reshape(len(x), -1))
