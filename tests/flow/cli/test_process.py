"""The command line from the outside: start-up time, signals, pipes."""

import os
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

from run_records import run_record

from da4ml_flow.results.store import Store

DIGITS = Path(__file__).parents[3] / 'configs' / 'digits'
COMMAND = [sys.executable, '-m', 'da4ml_flow.cli.main']


def cpu_seconds(*arguments: str) -> float:
    """The least of three runs: others use the machine, too."""
    seconds = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([*COMMAND, *arguments], check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(seconds)


def test_help_is_fast():
    assert cpu_seconds('--help') < 0.3


def test_help_imports_nothing_heavy():
    code = 'import sys; from da4ml_flow.cli.main import run; run(["--help"]); print(*sys.modules, file=sys.stderr)'
    done = subprocess.run([sys.executable, '-c', code], check=True, capture_output=True, text=True)
    heavy = {'numpy', 'pydantic', 'yaml', 'sqlalchemy', 'alembic', 'rich', 'fusesoc', 'edalize', 'h5py'}
    assert not heavy & set(done.stderr.split())


def test_a_cached_build_takes_little_cpu_and_imports_no_tool(tmp_path):
    config = tmp_path / 'digits.yaml'
    config.write_text(
        f'name: digits\nmodel: {{source: {DIGITS}/digits.keras, dataset: {{path: {DIGITS}/digits_test.npz}}}}\n'
    )
    subprocess.run([*COMMAND, 'build', str(config)], check=True, capture_output=True)
    assert cpu_seconds('build', str(config)) < 1.0
    code = f'import sys; from da4ml_flow.cli.main import run; run(["build", {str(config)!r}]); print(*sys.modules)'
    done = subprocess.run([sys.executable, '-c', code], check=True, capture_output=True, text=True)
    assert not {'numpy', 'h5py', 'sqlalchemy', 'fusesoc', 'edalize'} & set(done.stdout.split())


def test_a_reader_that_leaves_is_no_error():
    process = subprocess.Popen([*COMMAND, 'config', 'schema'], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b''
    process.stderr.close()
    process.wait(timeout=30)


def test_an_interrupt_is_no_traceback(tmp_path):
    fifo = tmp_path / 'config.yaml'
    os.mkfifo(fifo)  # reading it blocks until there is a writer
    process = subprocess.Popen([*COMMAND, 'config', 'check', str(fifo)], stderr=subprocess.PIPE, text=True)
    descriptor = os.open(fifo, os.O_WRONLY)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    os.close(descriptor)
    assert process.returncode == 130
    assert err.lstrip() == 'interrupted: finished stages are kept\n'


def test_the_version():
    done = subprocess.run([*COMMAND, '--version'], capture_output=True, text=True, check=False)
    assert re.search(r'\d+\.\d+|source', done.stdout)
    assert done.returncode == 0


def test_report_needs_no_compiler(tmp_path):
    """What asks a database imports neither the stages of builds nor configurations: that is most of its time."""
    place = tmp_path / 'r.sqlite'
    Store(place, create=True).record(run_record())
    arguments = ['report', '--where', 'luts < 50', '--sort-by', 'ffs', '--database', f'sqlite:///{place}']
    code = f'import sys; from da4ml_flow.cli.main import run; run({arguments}); print(*sys.modules, file=sys.stderr)'
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert 'u1' in done.stdout
    heavy = {
        'da4ml_core.codegen',
        'da4ml_flow.runner',
        'da4ml_flow.config.model',
        'pydantic',
        'yaml',
        'numpy',
        'alembic',
    }
    assert heavy & set(done.stderr.split()) == set()
