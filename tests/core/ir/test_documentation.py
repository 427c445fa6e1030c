"""The examples in docs/ir.md are legal, with the results and costs written below them, one for each operation."""

import re
from pathlib import Path

import pytest

from da4ml_core.device import DEFAULT_DEVICE, device
from da4ml_core.interp import evaluate
from da4ml_core.ir import Opcode
from da4ml_core.ir.cost import edge_intervals, op_levels
from da4ml_core.ir.text import parse_program, print_program
from da4ml_core.ir.verify import verify
from da4ml_core.passes.area import op_luts

DOCUMENT = (Path(__file__).parents[3] / 'docs' / 'ir.md').read_text()
EXAMPLE = re.compile(r'```ir\n(.*?)```\n\n`(.*?) -> (.*?)` · (\S+) LUTs, (\d+) levels\n', re.DOTALL)
EXAMPLES = {text.split()[1]: (text, *rest) for text, *rest in EXAMPLE.findall(DOCUMENT)}


@pytest.mark.parametrize('opcode', Opcode)
def test_the_example_of_an_operation_is_true(opcode):
    text, inputs, outputs, luts, levels = EXAMPLES[opcode]
    program = verify(parse_program(text))
    assert print_program(program) == text
    op = program.ops[-1]
    assert op.opcode is opcode
    assert evaluate(program, [int(code) for code in inputs.split(', ')]) == [int(code) for code in outputs.split(', ')]
    assert op_luts(program, device(DEFAULT_DEVICE))[-1] == float(luts)
    assert op_levels(op, edge_intervals(program, op)) == int(levels)


def test_nothing_else_is_described():
    assert EXAMPLES.keys() == {str(opcode) for opcode in Opcode}
    assert DOCUMENT.count('```ir') == len(EXAMPLES)
