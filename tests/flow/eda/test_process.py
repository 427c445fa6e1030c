"""Programs: output, status, cost, and that nothing outlives its run."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from da4ml_flow.eda import process
from da4ml_flow.errors import ToolFailed, ToolNotFound, ToolTimeout


def python(code: str) -> list[str]:
    return [sys.executable, '-c', code]


def running(pid: int) -> bool:
    """Whether a process exists and is not a zombie."""
    try:
        return Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0] not in 'ZX'
    except OSError:
        return False


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 10
    while running(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_both_streams_go_to_the_log_which_is_appended_to(tmp_path: Path) -> None:
    log = tmp_path / 'deep' / 'tool.log'
    for text in ('one', 'two'):
        process.run(python(f'import sys; print({text!r}); print("err", file=sys.stderr)'), cwd=tmp_path, log=log)
    assert sorted(log.read_text().split()) == ['err', 'err', 'one', 'two']


def test_arguments_reach_the_program_as_they_are(tmp_path: Path) -> None:
    words = ['a b', '$HOME', '`id`', ';exit 1', '"', "'", '*', '', '\n', '--', 'é']
    log = tmp_path / 'log'
    process.run([*python('import sys; print(ascii(sys.argv[1:]))'), *words], cwd=tmp_path, log=log)
    assert log.read_text().strip() == ascii(words)


def test_no_terminal_and_no_input(tmp_path: Path) -> None:
    done = process.run(python('import sys; print(repr(sys.stdin.read()))'), cwd=tmp_path, log=tmp_path / 'log')
    assert done.log.read_text().strip() == "''"


def test_a_failure_quotes_the_first_error_and_its_line(tmp_path: Path) -> None:
    log = tmp_path / 'tool.log'
    log.write_text('from the run before\nERROR: old\n')
    code = 'import sys; print("reading"); print("ERROR: no such module `x`"); print("ERROR: later"); sys.exit(3)'
    with pytest.raises(ToolFailed) as caught:
        process.run(python(code), cwd=tmp_path, log=log, hint='write x')
    error = caught.value
    assert error.exit_code == 3
    assert (error.location.path, error.location.line) == (str(log), 4)
    assert error.notes == ('ERROR: no such module `x`',)
    assert 'exit status 3' in error.message
    assert 'help: write x' in str(error)


def test_a_failure_that_says_nothing_known_quotes_the_end(tmp_path: Path) -> None:
    with pytest.raises(ToolFailed) as caught:
        process.run(python('print("hmm"); raise SystemExit(1)'), cwd=tmp_path, log=tmp_path / 'log')
    assert caught.value.notes == ('hmm',)
    with pytest.raises(ToolFailed, match='exit status 1'):
        process.run(python('raise SystemExit(1)'), cwd=tmp_path, log=tmp_path / 'empty')


def test_a_killed_program_says_by_what(tmp_path: Path) -> None:
    with pytest.raises(ToolFailed, match='SIGSEGV'):
        process.run(
            python('import os, signal; os.kill(os.getpid(), signal.SIGSEGV)'), cwd=tmp_path, log=tmp_path / 'log'
        )


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        ('%Warning-X: a.v:1:1: error: no\n%Error: a.v:3:2: syntax error\n', '%Error: a.v:3:2: syntax error'),
        ('%Error: Exiting due to 2 warning(s)\nmake: *** [x] Error 1', 'make: *** [x] Error 1'),
        ('a.cc:3:1: error: expected ;\nmake[1]: *** [a.o] Error 1\n', 'a.cc:3:1: error: expected ;'),
        ('x\nERROR: Unable to place cell\n1 warning, 1 error', 'ERROR: Unable to place cell'),
        ('ERROR: [Synth 8-439] module not found', 'ERROR: [Synth 8-439] module not found'),
        ('make: vivado: No such file or directory\nmake: *** [x] Error 127', 'make: vivado: No such file or directory'),
        ('Traceback (most recent call last):\n  x\nIndexError: map::at', 'IndexError: map::at'),
        ('/bin/sh: 1: nextpnr-ecp5: not found\nmake: *** [x]', '/bin/sh: 1: nextpnr-ecp5: not found'),
        ('Found 0 errors\nerrors: none', None),
    ],
)
def test_first_error(text: str, expected: str | None) -> None:
    found = process.first_error(text)
    assert (found and found[1]) == expected


def test_a_missing_program(tmp_path: Path) -> None:
    with pytest.raises(ToolNotFound, match='no program') as caught:
        process.run(['no-such-tool'], cwd=tmp_path, log=tmp_path / 'log', env={'PATH': '/nowhere'}, hint='get it')
    assert caught.value.notes == ('looked in /nowhere',)
    assert not (tmp_path / 'log').exists()


def test_a_timeout_kills_the_whole_group(tmp_path: Path) -> None:
    pids = tmp_path / 'pids'
    code = (
        'import os, subprocess, sys, time\n'
        'child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])\n'
        f'open({str(pids)!r}, "w").write(f"{{os.getpid()}} {{child.pid}}")\n'
        'time.sleep(60)'
    )
    start = time.monotonic()
    with pytest.raises(ToolTimeout, match=r'stopped after 1 s'):
        process.run(python(code), cwd=tmp_path, log=tmp_path / 'log', timeout_s=1)
    assert time.monotonic() - start < 10
    assert all(gone(int(pid)) for pid in pids.read_text().split())


def test_what_a_program_leaves_in_the_background_dies_with_it(tmp_path: Path) -> None:
    code = (
        'import subprocess, sys\n'
        'print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]).pid, flush=True)'
    )
    done = process.run(python(code), cwd=tmp_path, log=tmp_path / 'log')
    assert gone(int(done.log.read_text()))


@pytest.mark.parametrize('sent', [signal.SIGKILL, signal.SIGINT])
def test_a_program_dies_with_the_flow(tmp_path: Path, sent: signal.Signals) -> None:
    pid_file = tmp_path / 'pid'
    tool = f'import os, time; open({str(pid_file)!r}, "w").write(str(os.getpid()) + " "); time.sleep(60)'
    driver = (
        'import sys\nfrom pathlib import Path\nfrom da4ml_flow.eda import process\n'
        f'here = Path({str(tmp_path)!r})\n'
        f'process.run([sys.executable, "-c", {tool!r}], cwd=here, log=here / "log")'
    )
    flow = subprocess.Popen(python(driver), env={**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)}, stderr=-3)
    try:
        deadline = time.monotonic() + 20
        while not (pid_file.exists() and pid_file.read_text().endswith(' ')):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        flow.send_signal(sent)
        flow.wait(10)
    finally:
        flow.kill()
        flow.wait()
    assert gone(int(pid_file.read_text()))
