"""Disks that are full at any moment, and folders that may not be written: said so, and whole again afterwards."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from fault_project import CONFIG, SYNTHESIS, Project, clear, fill

LEFT_KB = [0, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512]
_QUICK = {0, 12, 64, 192}


@pytest.mark.eda
@pytest.mark.parametrize(
    'left_kb', [kb if kb in _QUICK else pytest.param(kb, marks=pytest.mark.slow) for kb in LEFT_KB]
)
def test_a_full_disk(small_disk: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, left_kb: int) -> None:
    """Wherever it is full first: in the work of a stage, a tool, a record or the database."""
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    assert small_disk.build('--until', 'trace') == 0
    before = small_disk.snapshot()
    small_disk.config.write_text(CONFIG.replace('5.0', '5.0, pipeline: {max_levels: 1}'))
    filler = fill(small_disk.root, left_kb)
    code = small_disk.build()
    if left_kb <= 128:
        assert code in (2, 3)
    if code:
        clear(small_disk.said)
        assert any(word in small_disk.said for word in ('no space left', 'disk is full', 'No space left'))
    assert small_disk.snapshot().items() >= before.items()
    done = {stage for stage, (status, _) in small_disk.stages.items() if status == 'ok'}
    filler.unlink()
    assert small_disk.build() == 0
    assert {stage for stage, (_, cached) in small_disk.stages.items() if cached} >= done


@pytest.mark.eda
@pytest.mark.slow
@pytest.mark.parametrize('left_kb', [64, 128, 200, 256, 300, 350, 400, 500])
def test_a_disk_that_yosys_fills(
    small_disk: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, left_kb: int
) -> None:
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    small_disk.write(CONFIG.replace('lint: {tool: verilator}\n', '') + SYNTHESIS)
    filler = fill(small_disk.root, left_kb)
    if small_disk.build():
        clear(small_disk.said)
        assert any(word in small_disk.said for word in ('no space left', 'disk is full', 'No space left'))
    filler.unlink()
    assert small_disk.build() == 0
    assert small_disk.metrics['luts'][0]['value'] == 71


@pytest.mark.parametrize('limit', [0, 100, 3000, 20_000])
def test_a_limit_on_the_size_of_files(project: Project, limit: int) -> None:
    """What RLIMIT_FSIZE refuses is an error like any other, where root may not mount."""
    driver = (
        'import resource, signal, sys\n'
        'sys.dont_write_bytecode = True\n'  # Python 3.11 would leave modules cut off in its cache
        'from da4ml_flow.cli.main import main\n'
        'signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n'
        f'resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n'
        'main()'
    )
    process = project.start('--until', 'emit', driver=('-c', driver))
    _, said = process.communicate(timeout=60)
    assert process.returncode == 2, said
    clear(said)
    assert 'too large' in said or 'disk I/O error' in said
    assert project.build('--until', 'emit') == 0


def test_output_to_a_full_device(project: Project) -> None:
    with Path('/dev/full').open('w') as full:
        done = subprocess.run(
            [sys.executable, '-m', 'da4ml_flow.cli.main', 'config', 'show', str(project.config)],
            env={**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    clear(done.stderr, 'no space left')
    assert 'Exception ignored' not in done.stderr


def restricted() -> list[str]:
    """What goes before a command that shall not overrule permissions, which root does."""
    if os.geteuid() != 0:
        return []
    if shutil.which('setpriv') is None:
        pytest.skip('root overrules permissions, and there is no setpriv to stop it')
    return ['setpriv', '--bounding-set=-dac_override,-dac_read_search']


# what may not be written, or read -> its permissions
CLOSED = {
    'the folder of the configuration': ('.', 0o500),
    "the design's folder": ('build/net', 0o500),
    'the locks': ('build/net/.locks', 0o500),
    'the records of runs': ('build/net/runs', 0o500),
    'the database': ('results/da4ml.sqlite', 0o400),
    "the database's folder": ('results', 0o500),
    'the model': ('net.py', 0o000),
    'the configuration': ('net.yaml', 0o000),
}


@pytest.mark.parametrize('closed', CLOSED)
def test_no_permission(project: Project, closed: str) -> None:
    assert project.build('--until', 'emit') == 0
    before = project.snapshot()
    name, mode = CLOSED[closed]
    path = project.root / name
    if closed.endswith('configuration') and path.is_dir():
        shutil.rmtree(project.root / 'build')
        before = {}
    mode_before = stat.S_IMODE(path.stat().st_mode)
    if not closed.startswith(('the model', 'the configuration')):
        project.config.write_text(project.config.read_text().replace('5.0', '5.0, pipeline: {max_levels: 1}'))
    path.chmod(mode)
    try:
        command = [*restricted(), sys.executable, '-m', 'da4ml_flow.cli.main', 'build', str(project.config)]
        env = {**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)}
        done = subprocess.run([*command, '--until', 'emit'], env=env, capture_output=True, text=True, check=False)
    finally:
        path.chmod(mode_before)
    assert done.returncode == 2, done.stderr
    clear(done.stderr)
    assert any(
        word in done.stderr.lower() for word in ('permission denied', 'readonly', 'unable to open', 'not readable')
    )
    assert project.snapshot().items() >= before.items()
    assert project.build('--until', 'emit') == 0
