"""The examples in docs/passes.md are what each pass makes, one of each module that is a pass."""

import re
from importlib import import_module
from pathlib import Path

import pytest
from pass_laws import INPUTS, check_becomes

from da4ml_core import passes
from da4ml_core.device import DEFAULT_DEVICE, device
from da4ml_core.passes.optimize import ROUND

DOCUMENT = (Path(__file__).parents[3] / 'docs' / 'passes.md').read_text()
EXAMPLE = re.compile(
    r'^`(\w+)` [^`]+?(?:`[^`]+`[^`]+?)*\n\n```ir\n([^`]*)```\n\nbecomes\n\n```ir\n([^`]*)```\n', re.MULTILINE
)
EXAMPLES = {name: (before, after) for name, before, after in EXAMPLE.findall(DOCUMENT)}
NO_PASSES = {'area', 'datapath', 'delay', 'optimize', 'retime', 'rewriting', 'schedule'}  # but what they go by
MODULES = {path.stem for path in Path(passes.__file__).parent.glob('[a-z]*.py')} - NO_PASSES


def pass_of(name):
    """The pass of that name on the default device, if it goes by one."""
    found = getattr(import_module(f'da4ml_core.passes.{module_of(name)}'), name)
    if found.__code__.co_argcount == 1:
        return found
    return lambda program: found(program, device(DEFAULT_DEVICE))


def module_of(name):
    return 'dead_code' if name == 'eliminate_dead_code' else name


@pytest.mark.parametrize('name', EXAMPLES)
def test_the_example_of_a_pass_is_true(name):
    check_becomes(pass_of(name), *EXAMPLES[name])


def test_all_passes_are_described():
    assert {module_of(name) for name in EXAMPLES} == MODULES
    assert f'```ir\n{INPUTS}```' in DOCUMENT
    in_order = ', '.join(f'`{each.__name__}`' for each in ROUND)
    assert in_order in ' '.join(DOCUMENT.split())
