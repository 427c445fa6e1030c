"""A small design in a folder of its own, built in this or another process, and what must hold after a fault."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from da4ml_flow.cli.main import run

NET = """\
import numpy as np

def net(x: 'fixed<3,4>[4]'):
    w = np.array([[1.0, -0.5], [0.75, 2.0], [0.0, 1.5], [-1.25, 0.25]])
    return np.maximum(x @ w + [0.5, -1.0], 0)
"""
CONFIG = """\
name: net
model: {source: "python:net.py:net"}
rtl: {clock_ns: 5.0}
lint: {tool: verilator}
"""
SYNTHESIS = 'synthesize: {tool: yosys, family: xcup, timeout_s: 120}\n'
MAX_LINES, MAX_CHARS = 40, 600  # one screen


class Project:
    """A folder with a model and a configuration; ``said``, ``stages`` and ``metrics`` are of the last build here."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str] | None = None) -> None:
        self.root, self.capsys, self.said = root, capsys, ''
        self.stages: Mapping[str, tuple[str, bool]] = {}
        self.metrics: Mapping[str, Any] = {}
        self.config = root / 'net.yaml'

    def write(self, config: str = CONFIG) -> Project:
        (self.root / 'net.py').write_text(NET)
        self.config.write_text(config)
        return self

    def build(self, *options: str) -> int:
        """The exit code of a build in this process."""
        code = run(['build', str(self.config), '--json', *options])
        if self.capsys is not None:
            captured = self.capsys.readouterr()
            self.said = captured.err
            data = json.loads(captured.out) if captured.out else {}
            self.stages = {item['stage']: (item['status'], item['cached']) for item in data.get('stages', [])}
            self.metrics = data.get('metrics', {})
        return code

    def start(self, *options: str, driver: Sequence[str] = ('-m', 'da4ml_flow.cli.main')) -> subprocess.Popen[str]:
        """A build in a process of its own."""
        command = [sys.executable, *driver, 'build', str(self.config), *options]
        env = {**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)}
        return subprocess.Popen(command, env=env, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def snapshot(self) -> Mapping[str, str]:
        """The hash of every file of finished stages and of records of runs."""
        found = {}
        for path in sorted((self.root / 'build').rglob('*')):
            name = str(path.relative_to(self.root))
            if path.is_file() and '.locks' not in name and '.failed' not in name and '.work' not in name:
                found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
        return found

    def goes_on(self, *expected: str) -> None:
        """Build, and check that exactly these stages ran and the rest came from the cache."""
        assert self.build() == 0, self.said
        assert {status for status, _ in self.stages.values()} == {'ok'}
        assert [stage for stage, (_, cached) in self.stages.items() if not cached] == [*expected]


def clear(said: str, *words: str) -> None:
    """Check that a message names what it should, fits a screen, and is no traceback."""
    assert 'error[DA' in said or 'Error: ' in said, said
    assert 'Traceback' not in said, said
    assert 'bug of da4ml-flow' not in said, said
    assert len(said.splitlines()) <= MAX_LINES, said
    assert all(len(line) <= MAX_CHARS for line in said.splitlines()), said
    for word in words:
        assert word in said, f'{word!r} is not in: {said}'


def processes_in(folder: Path) -> list[str]:
    """The command lines of processes that work in a folder or name it; ours is not one."""
    found = []
    for entry in Path('/proc').iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            command = (entry / 'cmdline').read_bytes().replace(b'\0', b' ').decode(errors='replace')
            place = str((entry / 'cwd').readlink())
        except OSError:
            continue
        if str(folder) in command or place.startswith(str(folder)):
            found.append(command)
    return found


def no_orphans(folder: Path) -> None:
    """Check that within seconds nothing works in a folder any more."""
    deadline = time.monotonic() + 10
    while found := processes_in(folder):
        assert time.monotonic() < deadline, found
        time.sleep(0.05)


def fill(disk: Path, left_kb: int) -> Path:
    """A file that leaves so much space."""
    state = os.statvfs(disk)
    filler = disk / 'filler'
    with filler.open('wb') as file:
        os.posix_fallocate(file.fileno(), 0, max(state.f_bavail * state.f_frsize - left_kb * 1024, 1))
    return filler
