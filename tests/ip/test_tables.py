"""Tables, which are modules of the design that reads them: every entry proved, and a wrong one found."""

import random

import pytest
from table_proofs import SIZES, program_of_tables, tables_hold

FEW = ((1, 1), (4, 40), (6, 5), (7, 9))


@pytest.mark.eda
@pytest.mark.parametrize('language', ['verilog', 'vhdl'])
def test_sat_proves_tables_and_refutes_one_with_a_wrong_bit(language, tmp_path):
    program = program_of_tables(random.Random(1), FEW)
    assert tables_hold(program, language, tmp_path)
    assert not tables_hold(program, language, tmp_path, with_bug=True)


@pytest.mark.eda
@pytest.mark.slow
@pytest.mark.parametrize('language', ['verilog', 'vhdl'])
def test_sat_proves_tables_of_every_size(language, tmp_path):
    assert tables_hold(program_of_tables(random.Random(2), SIZES), language, tmp_path)
