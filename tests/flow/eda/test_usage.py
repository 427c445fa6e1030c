"""What tools cost: measured by a program before each command, which ends as its command ends."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from da4ml_flow.eda import tools
from da4ml_flow.eda.usage import USAGE_FILE, read_usage

METER = Path(tools.__file__).parent / 'shims' / 'meter.py'


def meter(directory: Path, *command: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, '-I', '-S', str(METER), str(directory / USAGE_FILE), *command]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def test_costs_add_up(tmp_path: Path) -> None:
    work = 'x = bytearray(60 << 20); sum(range(2_000_000))'
    for _ in range(2):
        assert meter(tmp_path, sys.executable, '-c', work).returncode == 0
    assert meter(tmp_path, 'mv', '--version').returncode == 0
    (usage,) = read_usage(tmp_path)
    calls = [json.loads(line) for line in (tmp_path / USAGE_FILE).read_text().splitlines()]
    assert usage.cpu_s == pytest.approx(sum(call['cpu_s'] for call in calls[:2]), abs=1e-3)
    assert usage.cpu_s > 0.01
    assert usage.peak_mb > 60


@pytest.mark.parametrize('code', [0, 1, 3, 77])
def test_it_ends_as_its_command(tmp_path: Path, code: int) -> None:
    assert meter(tmp_path, 'sh', '-c', f'echo said; exit {code}').returncode == code


def test_it_dies_as_its_command(tmp_path: Path) -> None:
    done = meter(tmp_path, 'sh', '-c', 'kill -KILL $$')
    assert done.returncode == -signal.SIGKILL
    assert json.loads((tmp_path / USAGE_FILE).read_text())['code'] == -signal.SIGKILL


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    done = meter(tmp_path, 'no-such-program')
    assert (done.returncode, done.stderr) == (127, f'no-such-program: {os.strerror(2)}\n')
    assert read_usage(tmp_path) == ()
