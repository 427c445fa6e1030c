"""Programs that da4ml and alkaid traced and saved, with what their own interpreters made of them (bench/exchange)."""

import json
from pathlib import Path

import numpy as np
import pytest

import da4ml_core as dc
from da4ml_core.api import EXCHANGE_SUFFIXES

FOLDER = Path(__file__).parent / 'exchange'
PROGRAMS = sorted(path for path in FOLDER.iterdir() if path.name.endswith(EXCHANGE_SUFFIXES))


@pytest.mark.parametrize('path', PROGRAMS, ids=lambda path: path.name)
def test_their_programs_give_their_outputs(path):
    record = json.loads((FOLDER / f'{path.name.split(".")[0]}.io.json').read_text())
    program = dc.load(path)
    assert np.array_equal(program.predict(np.array(record['x'])), record['y'])
    optimized = program.optimize()
    assert np.array_equal(optimized.predict(np.array(record['x'])), record['y'])
    assert optimized.num_ops <= program.num_ops
