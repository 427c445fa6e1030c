"""`convert --dump-passes`: the example in docs/passes.md is true."""

import re
from pathlib import Path

from pass_laws import program_text

from da4ml_core.ir.serialize import save_program
from da4ml_core.ir.text import parse_program
from da4ml_flow.cli.main import run

DOCUMENT = Path(__file__).parents[3] / 'docs' / 'passes.md'


def test_the_example_of_dumped_passes_is_true(tmp_path):
    section = DOCUMENT.read_text().partition('## What was made of a program')[2]
    read, names, written = re.findall(r'```\w+\n(.*?)```', section, re.DOTALL)
    save_program(parse_program(program_text(read)), tmp_path / 'p.json')
    dump = tmp_path / 'passes'
    assert run(['convert', str(tmp_path / 'p.json'), str(tmp_path / 'rtl'), '--dump-passes', str(dump)]) == 0
    texts = sorted(dump.iterdir())
    assert [path.name for path in texts] == names.split()
    assert (texts[0].read_text(), texts[-1].read_text()) == (program_text(read), program_text(written))
