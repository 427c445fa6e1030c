"""The example in docs/tracing.md runs."""

import re
from pathlib import Path

DOCUMENT = Path(__file__).parents[3] / 'docs' / 'tracing.md'


def test_the_example_runs_and_prints_a_program(capsys):
    (block,) = re.findall(r'```python\n(.*?)```', DOCUMENT.read_text(), re.DOTALL)
    exec(compile(block, str(DOCUMENT), 'exec'), {})
    printed = capsys.readouterr().out
    assert printed.startswith('program example\n')
    assert 'relu' in printed
