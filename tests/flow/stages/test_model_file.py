"""The options of a configuration reach the solver when a model is read."""

from pathlib import Path

import pytest

from da4ml_core.ir import Opcode
from da4ml_flow.stages.model_file import load_model

BITS = """
import numpy as np

def bits(x: 'ufixed<1,0>[8]'):
    return x @ np.array([[3, 7], [5, -9], [11, 13], [-7, 3], [9, 1], [-3, 5], [13, 7], [1, 11]])
"""


@pytest.mark.parametrize('tables', [False, True])
def test_inputs_of_one_bit_are_looked_up_where_that_is_asked_for(tmp_path, monkeypatch, tables):
    (tmp_path / 'bits.py').write_text(BITS)
    monkeypatch.chdir(tmp_path)
    source = Path('python:bits.py:bits')
    program = load_model(source, extra_depth=2, effort='fast', device='xilinx-us+', tables=tables)
    assert any(op.opcode is Opcode.LOOKUP for op in program.ops) == tables


def test_a_function_names_its_inputs_and_its_lines_as_origins(tmp_path, monkeypatch):
    (tmp_path / 'bits.py').write_text(BITS)
    monkeypatch.chdir(tmp_path)
    program = load_model(Path('python:bits.py:bits'), extra_depth=2, effort='fast', device='xilinx-us+')
    assert {op.origin for op in program.ops} <= {'input x', 'bits.py:5', ''}
    assert 'bits.py:5' in {op.origin for op in program.ops}
