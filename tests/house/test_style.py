"""The house rules as tests: layers, types, format, and what no file may hold."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted([*(ROOT / 'core').rglob('*.py'), *(ROOT / 'flow').rglob('*.py'), *(ROOT / 'core').rglob('*.pyx')])


def run(*command: str) -> None:
    scripts = f'{sysconfig.get_path("scripts")}:{Path(sys.executable).parent}'
    tool = shutil.which(command[0], path=scripts)
    if tool is None:
        pytest.skip(f'{command[0]} is not installed (it is in the dev dependency group)')
    environment = {**os.environ, 'PATH': f'{scripts}:{os.environ["PATH"]}'}  # cython-lint calls pycodestyle by name
    result = subprocess.run(
        [tool, *command[1:]], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_imports_follow_the_layers():
    run('lint-imports', '--no-cache')


def test_types():
    run('mypy')


def test_ruff_check():
    run('ruff', 'check', '.')


def test_ruff_format():
    run('ruff', 'format', '--check', '.')


def test_cython_lint():
    run('cython-lint', 'core')


@pytest.mark.parametrize('source', SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_source_file_states_its_purpose_and_stays_small(source):
    text = source.read_text()
    lines = text.splitlines()
    code = [line for line in lines if not line.startswith('#')]
    assert code, f'{source} is empty: say what the package is for'
    assert code[0].startswith('"""'), 'the first line states the purpose of the file'
    assert len(lines) <= 450
    assert not re.search(r'^\s*assert\b', text, re.MULTILINE), 'user data deserves an exception'
