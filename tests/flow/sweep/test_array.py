"""Job arrays: what the scripts say, and that a stand-in for sbatch makes the same records as this machine."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from da4ml_core.ir.serialize import save_program
from da4ml_core.trace import Tracer
from da4ml_flow.config.sweep import ExecutorConfig
from da4ml_flow.sweep.array import emit_array

SBATCH = r"""#!/bin/bash
# a stand-in for Slurm: the array of a script, one job after the other
range=$(sed -n 's/^#SBATCH --array=\([0-9]*\)-\([0-9]*\).*/\1 \2/p' "$1")
log=$(sed -n 's/^#SBATCH --output=//p' "$1")
for id in $(seq $range); do SLURM_ARRAY_TASK_ID=$id bash "$1" > "${log//%a/$id}" 2>&1 || echo "job $id: $?"; done
"""


def tasks(count):
    return [{'key': str(index)} for index in range(count)]


def test_a_slurm_script_says_what_a_job_needs(tmp_path):
    executor = ExecutorConfig(
        workers=4,
        memory_mb=3000,
        cores=2,
        walltime='01:30:00',
        queue='short',
        directives=('--account=hep',),
        prologue=('module load vivado',),
    )
    array = emit_array('slurm', tasks(20), 'jet', executor, tmp_path)
    lines = array.script.read_text().splitlines()
    assert lines[0] == '#!/bin/bash'
    assert lines[1:-3] == [
        '#SBATCH --job-name=jet',
        '#SBATCH --array=0-19%4',
        '#SBATCH --cpus-per-task=2',
        '#SBATCH --mem=3000M',
        '#SBATCH --time=01:30:00',
        f'#SBATCH --output={tmp_path}/logs/%a.log',
        '#SBATCH --partition=short',
        '#SBATCH --account=hep',
    ]
    assert lines[-3:-1] == ['set -eu', 'module load vivado']
    assert lines[-1].endswith(f'point {tmp_path}/tasks.jsonl "$SLURM_ARRAY_TASK_ID" --of 20')
    assert array.submit == f'sbatch {tmp_path}/job.sh'
    subprocess.run(['bash', '-n', array.script], check=True)


def test_a_submit_file_of_htcondor(tmp_path):
    array = emit_array('htcondor', tasks(2500), 'jet', ExecutorConfig(walltime='02:00:00'), tmp_path)
    text = array.script.read_text()
    assert array.jobs == 1000
    assert re.search(r'^executable = .*/job.sh$', text, re.M)
    assert '+MaxRuntime = 7200\n' in text
    assert 'request_memory = 2000MB\n' in text
    assert text.endswith('queue 1000\n')
    assert (tmp_path / 'job.sh').read_text().splitlines()[-1].endswith('"$1" --of 1000')
    assert os.access(tmp_path / 'job.sh', os.X_OK)


@pytest.fixture
def config(tmp_path) -> Path:
    tracer = Tracer('tiny')
    x = tracer.input((4,), name='x').quantize(True, 3, 2)
    save_program(tracer.finish([x @ np.array([[3, -5], [7, 1], [2, 9], [-1, 4]], float)]), tmp_path / 'tiny.json.gz')
    axes = '{rtl.pipeline.max_levels: [1, 2], rtl.clock_ns: [5]}'
    (tmp_path / 'sweep.yaml').write_text(f'name: tiny\nmodel: {{source: tiny.json.gz}}\nsweep: {{axes: {axes}}}\n')
    return tmp_path / 'sweep.yaml'


def flow(*words):
    command = [sys.executable, '-m', 'da4ml_flow.cli.main', *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_an_emitted_array_leaves_the_records_that_the_sweep_would(config, tmp_path, content_of):
    emitted = flow('sweep', config, '--emit', 'slurm')
    assert emitted.returncode == 0, emitted.stderr
    assert '2 points in 2 jobs' in emitted.stdout
    program, script = emitted.stdout.splitlines()[-1].split()
    assert program == 'sbatch'
    (tmp_path / 'sbatch').write_text(SBATCH)
    done = subprocess.run(['bash', tmp_path / 'sbatch', script], capture_output=True, text=True, check=True)
    assert done.stdout == ''
    collected = flow('sweep', config)
    assert 'nothing to do: 2 points have their results' in collected.stderr
    assert len(collected.stdout.splitlines()) >= 3
    assert 'nothing to do' in flow('sweep', config, '--emit', 'slurm').stderr

    other = tmp_path / 'other'
    other.mkdir()
    for name in ('tiny.json.gz', 'sweep.yaml'):
        shutil.copy(tmp_path / name, other)
    assert flow('sweep', other / 'sweep.yaml').returncode == 0
    by_array, here = (content_of(folder / 'results' / 'da4ml.sqlite') for folder in (tmp_path, other))
    assert len(here) == 2
    assert by_array == here
