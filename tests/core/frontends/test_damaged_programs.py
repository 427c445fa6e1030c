"""Damaged program files, ours and the neighbours': refused with the path, or a program that is saved as what it is."""

import gzip
import json
import math
import random
import struct

import numpy as np
import pytest
from random_programs import random_program

import da4ml_core as dc
from da4ml_core.errors import Da4mlError
from da4ml_core.ir import InputPort, Quantization

HOSTILE = (
    0, -1, 1, 7, 31, 64, 257, (1 << 20) + 1, 1 << 30, -(1 << 30), 1 << 31, 1 << 64, 10**30, 1e308, 5e-324, math.inf,
    math.nan, 0.3, None, True, 'x', '1e9', [], {}, [[]], [0] * 5,
)  # fmt: skip
KINDS = ('.dais', '.dais.json', '.alir.json', '.json.gz')


def places(data):
    """Every place of JSON data that can hold something else, as (container, key)."""
    items = list(data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ())
    return [(data, key) for key, _ in items] + [place for _, value in items for place in places(value)]


def damaged_json(encoded, rng):
    data = json.loads(encoded)
    for _ in range(rng.choice((1, 1, 2))):
        container, key = rng.choice(places(data))
        if rng.random() < 0.15:
            del container[key]
        elif rng.random() < 0.15 and isinstance(container, list):
            container.insert(key, container[key])
        else:
            container[key] = rng.choice(HOSTILE)
    return json.dumps(data).encode()


def damaged_words(encoded, rng):
    words = list(struct.unpack(f'<{len(encoded) // 4}i', encoded))
    for _ in range(rng.choice((1, 1, 2))):
        words[rng.randrange(len(words))] = rng.choice(
            (0, -1, 1, 8, 33, 64, 257, 1 << 20, 1 << 30, -(1 << 30), -(1 << 31))
        )
    return struct.pack(f'<{len(words)}i', *words)


def damaged_bytes(encoded, rng):
    place = rng.randrange(len(encoded))
    change = rng.randrange(3)
    if change == 0:
        return encoded[:place]
    if change == 1:
        return encoded + rng.randbytes(rng.choice((1, 4, 100)))
    return encoded[:place] + bytes([encoded[place] ^ 1 << rng.randrange(8)]) + encoded[place + 1 :]


def damaged(encoded, kind, rng):
    if rng.random() < 0.4:
        return damaged_bytes(encoded, rng)
    if kind == '.dais':
        return damaged_words(encoded, rng)
    if kind == '.json.gz':
        return gzip.compress(damaged_json(gzip.decompress(encoded), rng))
    return damaged_json(encoded, rng)


def plain(program):
    ops = tuple(
        op._replace(attribute=op.attribute._replace(quantization=Quantization(op.attribute.quantization.type)))
        if isinstance(op.attribute, InputPort)
        else op
        for op in program.ops
    )
    return dc.Program(program.name, ops, program.outputs, program.input_shapes, program.output_shapes)


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('count', [60, pytest.param(2000, marks=pytest.mark.slow)])
def test_damage_is_refused_with_the_path_or_is_a_program(kind, count, tmp_path):
    files = []
    for seed in range(4):
        plain(random_program(random.Random(seed), num_ops=15)).save(tmp_path / f'base{kind}')
        files.append((tmp_path / f'base{kind}').read_bytes())
    path, again = tmp_path / f'damaged{kind}', tmp_path / 'again.json.gz'
    loaded, without_path = 0, []
    for seed in range(count):
        rng = random.Random(seed)
        path.write_bytes(damaged(rng.choice(files), kind, rng))
        try:
            program = dc.load(path)
        except Da4mlError as error:
            without_path += [] if str(path) in str(error) else [seed]
            continue
        loaded += 1
        program.save(again)
        x = np.random.default_rng(seed).integers(-64, 64, (8, min(program.num_inputs, 1000))) / 8
        try:
            y = program.predict(x)
        except Da4mlError:
            continue
        assert np.array_equal(dc.load(again).predict(x), y), seed
    assert not without_path
    assert 0 < loaded < count
