"""Programs written in the formats of the neighbours come back the same, and what cannot be written is refused."""

import json
import random
import struct
import sys

import numpy as np
import pytest
from random_programs import random_program

import da4ml_core as dc
from da4ml_core.api import EXCHANGE_SUFFIXES
from da4ml_core.errors import CodegenError, ParseError, VerificationError, VersionError
from da4ml_core.interp import predict
from da4ml_core.ir import InputPort, Program, Quantization
from da4ml_core.ir.text import parse_program
from da4ml_core.ir.verify import verify


def plain_ports(program):
    ops = tuple(
        op._replace(attribute=op.attribute._replace(quantization=Quantization(op.attribute.quantization.type)))
        if isinstance(op.attribute, InputPort)
        else op
        for op in program.ops
    )
    return Program(program.name, ops, program.outputs, program.input_shapes, program.output_shapes)


@pytest.mark.parametrize('seed', range(24))
def test_random_programs_come_back(seed, tmp_path):
    program = plain_ports(random_program(random.Random(seed), num_ops=25, narrow=seed % 2 == 0))
    x = np.random.default_rng(seed).integers(-4096, 4096, (64, 4)) / 64
    y = predict(program, x)
    for suffix in EXCHANGE_SUFFIXES:
        path = tmp_path / f'p{suffix}'
        dc.Program.of(program).save(path)
        assert np.array_equal(dc.load(path).predict(x), y), suffix
        dc.Program.of(program).optimize().save(path)
        assert np.array_equal(dc.load(path).predict(x), y), f'{suffix}, optimized'


def alir_of(program, path):
    """The operations and the tables of a program in ALIR, whose operations are (operands, opcode, data, range)."""
    dc.Program.of(program).save(path)
    fields = json.loads(path.read_text())['model']
    return [op[:4] for op in fields[5]], [table['table'] for table in fields[8] or ()]


@pytest.mark.parametrize('seed', range(100, 130))
def test_what_alkaid_proves_anew_is_written_as_it_proves_it(seed, tmp_path):
    program = dc.Program.of(plain_ports(random_program(random.Random(seed), num_ops=40))).optimize()
    ops, tables = alir_of(program, tmp_path / 'p.alir.json')
    ports = [data[0] for _, opcode, data, _ in ops if opcode == -1]
    assert len(ports) == len(set(ports)), 'an element has one type'
    for operands, opcode, data, limits in ops:
        if opcode == 3 and any(limits[:2]):
            assert limits[2] >= ops[operands[0]][3][2], 'their conversions never make a step finer'
        if opcode == 8:
            _, source, _, (low, high, step) = ops[operands[0]]
            assert source in (-1, 3)
            size = round((high - low) / step) + 1
            assert len(tables[data[0]]) == size == 1 << (size - 1).bit_length()
            assert low in (0, -step * size / 2), 'the range is all of a format'


def test_ports_of_one_element_are_cut_out_of_one(tmp_path):
    program = verify(
        parse_program("""\
program ports
inputs (1,)
outputs (3,)
%0 = input x[0] fixed<3,0> TRN WRAP : [-8, 7]
%1 = input x[0] ufixed<1,4> TRN WRAP : [0, 31]*2^-4
%2 = input x[0] ufixed<-9,4> TRN WRAP : [0, 0]*2^-4
return %0, %1, %2
""")
    )
    ops, _ = alir_of(program, tmp_path / 'p.alir.json')
    assert [(opcode, limits) for _, opcode, _, limits in ops if opcode == -1] == [(-1, [-8.0, 7.9375, 0.0625])]
    x = np.arange(-400, 400)[:, None] / 32
    assert np.array_equal(dc.load(tmp_path / 'p.alir.json').predict(x), predict(program, x))


def test_a_table_of_a_negative_is_reversed(tmp_path):
    program = verify(
        parse_program("""\
program negative
inputs (1,)
outputs (1,)
table t0 {9, 4, 1, 0, 7, 5, 3}
%0 = input x[0] fixed<2,0> TRN WRAP : [-4, 3]
%1 = quantize %0 to fixed<1,0> TRN WRAP : [-2, 1]
%2 = neg %1 : [-1, 2]
%3 = lookup %2 in t0 from -2 : [0, 7]
return %3
""")
    )
    ops, tables = alir_of(program, tmp_path / 'p.alir.json')
    assert tables == [[7, 0, 1, 4]]
    (operand,) = next(operands for operands, opcode, *_ in ops if opcode == 8)
    assert ops[operand][1] == 3
    x = np.arange(-4.0, 4.0)[:, None]
    assert np.array_equal(dc.load(tmp_path / 'p.alir.json').predict(x), predict(program, x))


def test_ports_that_round_and_wrap_become_finer_ones(tmp_path):
    tracer = dc.Tracer('round')
    program = dc.Program.of(tracer.finish(tracer.input((2,)).quantize(True, 2, 1, 'RND', 'WRAP') + 1))
    program.save(tmp_path / 'p.dais')
    x = np.random.default_rng(1).uniform(-9, 9, (500, 2))
    assert np.array_equal(dc.load(tmp_path / 'p.dais').predict(x), program.predict(x))


def test_what_the_formats_cannot_say(tmp_path):
    tracer = dc.Tracer('saturated')
    saturated = dc.Program.of(tracer.finish(tracer.input((1,)).quantize(True, 2, 1, 'RND', 'SAT')))
    with pytest.raises(CodegenError, match='input 0 is converted with RND SAT: the format has TRN WRAP'):
        saturated.save(tmp_path / 'p.dais')
    tracer = dc.Tracer('wide')
    wide = dc.Program.of(tracer.finish(tracer.input((1,)).quantize(True, 70, 1)))
    with pytest.raises(CodegenError, match='a value of 72 bits'):
        wide.save(tmp_path / 'p.alir.json')
    assert not list(tmp_path.iterdir())


@pytest.fixture
def words(tmp_path):
    """The words of a small program in DAIS."""
    tracer = dc.Tracer('small')
    x = tracer.input((2,)).quantize(True, 2, 1)
    dc.Program.of(tracer.finish(abs(x[:1]) + np.exp(x[1:]).quantize(False, 2, 2, 'RND', 'SAT'))).save(
        tmp_path / 'p.dais'
    )
    encoded = (tmp_path / 'p.dais').read_bytes()
    return list(struct.unpack(f'<{len(encoded) // 4}i', encoded))


def test_damaged_words_are_refused(words, tmp_path):
    path = tmp_path / 'q.dais'
    rng = random.Random(1)

    def attempt(changed):
        path.write_bytes(struct.pack(f'<{len(changed)}i', *changed))
        return dc.load(path)

    assert attempt(words).num_outputs == 1
    with pytest.raises(VersionError, match='DAIS of version 2'):
        attempt([2, *words[1:]])
    for length in range(len(words)):
        with pytest.raises(ParseError, match='truncated'):
            attempt(words[:length])
    with pytest.raises(ParseError, match='1 words are left over'):
        attempt([*words, 0])
    refused = 0
    for _ in range(400):
        changed = list(words)
        changed[rng.randrange(2, len(words))] = rng.choice((-1, -7, 3, 17, 99, 1000))
        try:
            attempt(changed)
        except (ParseError, VerificationError):
            refused += 1
    assert refused > 100


def with_op(data, op):
    return {**data, 'model': [*data['model'][:5], [op], 1, 1, None]}


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda data: {**data, 'spec_version': 3}, 'ALIR of version 3'),
        (lambda data: {**data, 'meta': 'Other'}, '"meta" is not "ALIRModel"'),
        (lambda data: {**data, 'model': [data['model']]}, 'not one program but a pipeline'),
        (lambda data: {'meta': 'ALIRModel', 'spec_version': 4}, "malformed: 'model'"),
        (
            lambda data: {**data, 'model': [*data['model'][:5], [[[0], 11, [], [0.0, 1.0, 1.0], 0, 0]], 1, 1, None]},
            '11',
        ),
        (
            lambda data: {**data, 'model': [*data['model'][:5], [[[], 5, [1], [0.0, 1.0, 0.3], 0, 0]], 1, 1, None]},
            '0.3',
        ),
        (lambda data: with_op(data, [[], 5, [1], [0.0, 1.0], 0, 0]), 'malformed'),
        (lambda data: with_op(data, [[], 5, [1], [0.0, float('nan'), 1.0], 0, 0]), 'malformed'),
        (lambda data: with_op(data, [[], 5, [10**5000], [0.0, 1.0, 1.0], 0, 0]), 'digits'),
        (lambda data: with_op(data, [[0], 3, [1 << 30], [0.0, 1.0, 1.0], 0, 0]), 'uses a later one'),
        (lambda data: with_op(data, [[], 5, [1], [0.0, 2.0**300, 2.0**300], 0, 0]), 'no sensible type'),
        (lambda data: {**data, 'model': [*data['model'][:4], [], *data['model'][5:]]}, 'malformed'),
    ],
)
def test_json_of_other_kinds_is_refused(change, message, tmp_path):
    path = tmp_path / 'p.alir.json'
    tracer = dc.Tracer('small')
    dc.Program.of(tracer.finish(tracer.input((1,)).quantize(True, 2, 1))).save(path)
    sys.set_int_max_str_digits(0)
    text = json.dumps(change(json.loads(path.read_text())))
    sys.set_int_max_str_digits(4300)
    path.write_text(text)
    with pytest.raises((ParseError, VersionError)) as caught:
        dc.load(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
