"""Job arrays for sites where no scheduler port opens: the tasks in a file, and the script that runs them."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from da4ml_flow.config.sweep import ExecutorConfig
from da4ml_flow.workspace import system_errors, write_durably

MAX_JOBS = 1000  # Slurm's default MaxArraySize is 1001; with more points each job takes several
System = Literal['slurm', 'htcondor']


class JobArray(NamedTuple):
    """What was written, and the command that submits it."""

    tasks: Path
    script: Path
    jobs: int
    submit: str


def emit_array(
    system: System, tasks: Sequence[dict[str, Any]], name: str, executor: ExecutorConfig, folder: Path
) -> JobArray:
    """Write the array below a folder; raises WorkspaceError."""
    jobs = min(len(tasks), MAX_JOBS)
    folder = folder.absolute()
    with system_errors(folder):
        (folder / 'logs').mkdir(parents=True, exist_ok=True)
        path = folder / 'tasks.jsonl'
        write_durably(path, ''.join(json.dumps(task, ensure_ascii=False) + '\n' for task in tasks))
        command = shlex.join([sys.executable, '-m', 'da4ml_flow.cli.main', 'point', str(path)])
        shell = ['set -eu', *executor.prologue]
        if system == 'slurm':
            script, submit = folder / 'job.sh', 'sbatch'
            run = f'exec {command} "$SLURM_ARRAY_TASK_ID" --of {jobs}'
            _write_script(script, [*_slurm(name, jobs, executor, folder), *shell, run])
        else:
            script, submit = folder / 'job.sub', 'condor_submit'
            _write_script(folder / 'job.sh', [*shell, f'exec {command} "$1" --of {jobs}'])
            write_durably(script, '\n'.join(_condor(name, jobs, executor, folder)) + '\n')
    return JobArray(path, script, jobs, shlex.join([submit, str(script)]))


def _slurm(name: str, jobs: int, executor: ExecutorConfig, folder: Path) -> list[str]:
    most = executor.needs(('', *executor.stages))
    at_once = f'%{executor.workers}' if executor.workers else ''
    options = [
        f'--job-name={name}',
        f'--array=0-{jobs - 1}{at_once}',
        f'--cpus-per-task={most.cores}',
        f'--mem={most.memory_mb}M',
        f'--time={executor.walltime}',
        f'--output={str(folder).replace("%", "%%")}/logs/%a.log',
        *([f'--partition={executor.queue}'] if executor.queue else []),
        *executor.directives,
    ]
    return [f'#SBATCH {option}' for option in options]


def _condor(name: str, jobs: int, executor: ExecutorConfig, folder: Path) -> list[str]:
    most = executor.needs(('', *executor.stages))
    hours, minutes, seconds = map(int, executor.walltime.split(':'))
    return [
        f'# {name}: {jobs} jobs',
        f'executable = {folder}/job.sh',
        'arguments = $(Process)',
        f'request_cpus = {most.cores}',
        f'request_memory = {most.memory_mb}MB',
        f'+MaxRuntime = {3600 * hours + 60 * minutes + seconds}',
        'getenv = True',
        'should_transfer_files = NO',
        f'output = {folder}/logs/$(Process).log',
        f'error = {folder}/logs/$(Process).log',
        f'log = {folder}/logs/condor.log',
        *([f'max_materialize = {executor.workers}'] if executor.workers else []),
        *([f'+JobFlavour = "{executor.queue}"'] if executor.queue else []),
        *executor.directives,
        f'queue {jobs}',
    ]


def _write_script(path: Path, lines: Sequence[str]) -> None:
    write_durably(path, '\n'.join(['#!/bin/bash', *lines]) + '\n')
    path.chmod(0o755)
