"""Programs written in the formats of the neighbours come back the same, and what cannot be written is refused."""

import json
import random
import struct

import numpy as np
import pytest
from random_programs import random_program

import da4ml_core as dc
from da4ml_core.api import EXCHANGE_SUFFIXES
from da4ml_core.errors import CodegenError, ParseError, VerificationError, VersionError
from da4ml_core.interp import predict
from da4ml_core.ir import InputPort, Program, Quantization


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
    ],
)
def test_json_of_other_kinds_is_refused(change, message, tmp_path):
    path = tmp_path / 'p.alir.json'
    tracer = dc.Tracer('small')
    dc.Program.of(tracer.finish(tracer.input((1,)).quantize(True, 2, 1))).save(path)
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    with pytest.raises((ParseError, VersionError)) as caught:
        dc.load(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
