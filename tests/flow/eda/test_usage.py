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


def test_costs_count_the_children_that_were_waited_for_and_not_the_memory_of_a_parent(tmp_path: Path) -> None:
    burn = 'import time\nd = bytearray(80_000_000)\nwhile time.process_time() < 0.3: pass'
    tool = f'import subprocess, sys; subprocess.run([sys.executable, "-c", {burn!r}], check=True)'
    command = [sys.executable, '-I', '-S', str(METER), str(tmp_path / USAGE_FILE), sys.executable, '-c', tool]
    parent = f'import subprocess\nd = bytearray(600_000_000)\nsubprocess.run({command!r}, check=True)'
    subprocess.run([sys.executable, '-c', parent], check=True)
    (usage,) = read_usage(tmp_path)
    assert 0.3 <= usage.cpu_s < 5
    assert 80 < usage.peak_mb < 500
    assert usage.wall_s >= 0.3


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
