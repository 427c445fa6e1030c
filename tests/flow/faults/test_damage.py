"""A cache that was damaged, and clocks that are wrong: what is bad is made again, and nothing else."""

import os
import shutil
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from fault_project import Project

from da4ml_flow.runner import build as runner
from da4ml_flow.runner.provenance import now


def flip(path: Path) -> None:
    """Another bit in the middle of a file, and the times as they were."""
    data, times = bytearray(path.read_bytes()), path.stat()
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def into_a_file(path: Path) -> None:
    shutil.rmtree(path)
    path.write_text('in the way')


# what happened -> to which file of the stage emit it happened, and how
DAMAGE: dict[str, tuple[str, Callable[[Path], object]]] = {
    'one bit of an artifact': ('rtl/net.v', flip),
    'one bit of its record': ('record.json', flip),
    'an artifact is gone': ('rtl/net.v', Path.unlink),
    'an artifact is empty': ('rtl/net.v', lambda path: path.write_bytes(b'')),
    'an artifact is a folder': ('rtl/net.v', lambda path: (path.unlink(), path.mkdir())),
    'an artifact points to itself': ('rtl/net.v', lambda path: (path.unlink(), path.symlink_to(path.name))),
    'a file too many': ('rtl', lambda path: (path / 'stray.v').write_text('')),
    'the record is gone': ('record.json', Path.unlink),
    'the record is empty': ('record.json', lambda path: path.write_bytes(b'')),
    'the record is cut off': ('record.json', lambda path: os.truncate(path, path.stat().st_size // 2)),
    'the record is not text': ('record.json', lambda path: path.write_bytes(bytes(range(256)))),
    'the record is another JSON': ('record.json', lambda path: path.write_text('[]')),
    'the record is deep': ('record.json', lambda path: path.write_text('[' * 100_000)),
    'the folder is empty': ('', lambda path: (shutil.rmtree(path), path.mkdir())),
    'the folder is a file': ('', into_a_file),
    'the folder points to itself': ('', lambda path: (shutil.rmtree(path), path.symlink_to(path.name))),
}


@pytest.mark.parametrize('damage', DAMAGE)
def test_a_damaged_result_is_made_again(project: Project, damage: str) -> None:
    assert project.build('--until', 'emit') == 0
    before = project.snapshot()
    (stage,) = (project.root / 'build' / 'net').glob('emit-*')
    name, harm = DAMAGE[damage]
    harm(stage / name)
    assert project.build('--until', 'emit') == 0, project.said
    assert project.stages == {'trace': ('ok', True), 'emit': ('ok', False)}
    assert ('damaged' in project.said) == (damage != 'the folder points to itself')
    after = project.snapshot()
    records = {name for name in before if name.endswith('/record.json') or '/runs/' in name}
    assert {name: after.get(name) for name in before.keys() - records} == {
        name: before[name] for name in before.keys() - records
    }


def test_records_of_runs_that_are_damaged(project: Project) -> None:
    assert project.build('--until', 'emit') == 0
    (record,) = (project.root / 'build' / 'net' / 'runs').iterdir()
    flip(record)
    assert project.build('--until', 'emit') == 0, project.said
    assert set(project.stages.values()) == {('ok', True)}
    assert len(list(record.parent.iterdir())) == 2


@pytest.mark.parametrize('hours', [-48, 48])
def test_files_from_another_time(project: Project, hours: int) -> None:
    """Modification times decide nothing: neither those of sources nor those of results."""
    then = time.time() + 3600 * hours
    assert project.build('--until', 'emit') == 0
    for path in project.root.rglob('*'):
        os.utime(path, (then, then))
    assert project.build('--until', 'emit') == 0
    assert set(project.stages.values()) == {('ok', True)}
    source = project.root / 'net.py'
    source.write_text(source.read_text().replace('2.0', '4.0'))
    os.utime(source, (then, then))
    assert project.build('--until', 'emit') == 0
    assert set(project.stages.values()) == {('ok', False)}


@pytest.mark.eda
def test_tools_read_files_from_the_future(project: Project) -> None:
    assert project.build('--until', 'emit') == 0
    then = time.time() + 1e6
    for path in project.root.rglob('*'):
        os.utime(path, (then, then))
    project.goes_on('lint', 'collect')


def test_a_clock_that_goes_back(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    assert project.build('--until', 'emit') == 0

    def yesterday() -> datetime:
        return now() - timedelta(days=1)

    monkeypatch.setattr(runner, 'now', yesterday)
    assert project.build('--until', 'emit', '--force', 'emit') == 0
    assert project.stages == {'trace': ('ok', True), 'emit': ('ok', False)}
    assert project.build('--until', 'emit') == 0
    assert set(project.stages.values()) == {('ok', True)}
