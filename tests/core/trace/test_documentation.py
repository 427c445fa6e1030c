"""The example in docs/tracing.md runs, and its list of numpy functions is that of what can be traced."""

import re
from pathlib import Path

import numpy as np

from da4ml_core.trace.dispatch import traceable

DOCUMENT = (Path(__file__).parents[3] / 'docs' / 'tracing.md').read_text()
METHODS = {
    'outer',
    'reduce',
    'reduceat',
    'accumulate',
    'axis',
    'keepdims',
    'initial',
    'where',
    'out=',
    'dtype',
    'minlength',
}


def test_the_example_runs_and_prints_a_program(capsys):
    (block,) = re.findall(r'```python\n(.*?)```', DOCUMENT, re.DOTALL)
    exec(compile(block, 'docs/tracing.md', 'exec'), {})
    printed = capsys.readouterr().out
    assert printed.startswith('program example\n')
    assert 'relu' in printed


def test_the_list_of_functions_is_complete():
    listed = {name for name in re.findall(r'`([\w.=]+)`', DOCUMENT.partition('\n- **Arithmetic**')[2])}
    functions = set()
    for name in listed - (METHODS - {'outer', 'where'}):
        function = np
        for part in name.split('.'):
            function = getattr(function, part, None)
        functions.add(function)
    names = {function.__name__ for function in set(traceable()) - functions}
    assert not names, 'these can be traced, but are not listed'
    unknown = {function.__name__ for function in functions - set(traceable()) - {None}}
    assert not unknown, 'these are listed, but cannot be traced'
