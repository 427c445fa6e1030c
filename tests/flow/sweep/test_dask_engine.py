"""Dask: the same records as local processes, a killed worker replaced, and the scripts of batch systems."""

import os
import signal
import warnings

import numpy as np
import pytest

from da4ml_core.ir.serialize import save_program
from da4ml_core.trace import Tracer
from da4ml_flow.config.load import load_config
from da4ml_flow.config.sweep import ExecutorConfig, Needs
from da4ml_flow.errors import FlowError
from da4ml_flow.runner.build import standard_stages
from da4ml_flow.sweep.campaign import Campaign, plan_of
from da4ml_flow.sweep.engine import LocalEngine
from da4ml_flow.sweep.ledger import Ledger

pytest.importorskip('distributed')
pytestmark = pytest.mark.filterwarnings('ignore')  # of a dependency, and of processes that are killed


def test_points_on_two_workers_one_of_which_is_killed_leave_what_local_processes_do(tmp_path, quiet, content_of):
    from da4ml_flow.sweep.dask_engine import DaskEngine

    tracer = Tracer('tiny')
    x = tracer.input((4,), name='x').quantize(True, 3, 2)
    save_program(tracer.finish([x @ np.array([[3, -5], [7, 1], [2, 9], [-1, 4]], float)]), tmp_path / 'tiny.json.gz')
    axes = '{rtl.pipeline.max_levels: [1, 2, 3, 4], rtl.clock_ns: [4, 5]}'
    executor = '{kind: dask, workers: 2, memory_mb: 500, stages: {emit: {memory_mb: 400}}}'
    (tmp_path / 'sweep.yaml').write_text(
        f'name: tiny\nmodel: {{source: tiny.json.gz}}\nsweep: {{axes: {axes}, executor: {executor}}}\n'
    )
    loaded = load_config(tmp_path / 'sweep.yaml')

    def run(name, engine, listener):
        plan = plan_of(loaded, tmp_path / name, standard_stages())
        campaign = Campaign(plan, engine, Ledger(plan, tmp_path / f'{name}.sqlite').keep, listener)
        campaign.run()
        assert (campaign.counts.ok, campaign.counts.failed) == (8, 0)
        return content_of(tmp_path / f'{name}.sqlite')

    engine = DaskEngine(loaded.config.sweep.executor)
    listener, killed = quiet(), []

    def changed(counts):
        if counts.made >= 2 and not killed:
            pids = engine.client.run(os.getpid)
            killed.append(next(iter(pids.values())))
            os.kill(killed[0], signal.SIGKILL)

    listener.changed = changed
    by_dask = run('dask', engine, listener)
    assert killed
    here = run('local', LocalEngine(2), quiet())
    assert len(here) == 8
    for ours, theirs in zip(here, by_dask, strict=True):
        assert ours == theirs
    assert all(metrics and stages for *_, metrics, stages in here)


def test_a_step_that_no_worker_can_take_is_an_error():
    from da4ml_flow.sweep.dask_engine import DaskEngine

    engine = DaskEngine(ExecutorConfig(kind='dask', workers=1, memory_mb=500, stages={'trace': {'cores': 2}}))
    try:
        assert engine.fits(Needs(2, 500))
        with pytest.raises(FlowError, match='no worker of the scheduler has the 2 cores and 900 MB') as caught:
            engine.fits(Needs(2, 900))
        assert '--resources CORES=2,MEMORY_MB=900' in caught.value.hint
    finally:
        engine.close()


CLUSTERS = {
    'slurm': ('#SBATCH --mem=2G', '#SBATCH -t 01:00:00', '#SBATCH -p short', '#SBATCH --account=hep'),
    'htcondor': ('MY.DaskWorkerMemory = 2000000000', 'MY.DaskWorkerCores = 4', '+Group = hep'),
    'pbs': ('#PBS -q short', '#PBS -l walltime=01:00:00'),
    'lsf': ('#BSUB -q short', '#BSUB -W 01:00'),
    'sge': ('#$ -q short', '#$ -l h_rt=01:00:00'),
}


@pytest.mark.parametrize('kind', CLUSTERS)
def test_the_script_of_a_batch_system_says_what_a_worker_needs(kind):
    pytest.importorskip('dask_jobqueue')
    from da4ml_flow.sweep.dask_engine import cluster_of

    directives = {'slurm': ('--account=hep',), 'htcondor': ('+Group=hep',)}.get(kind, ())
    executor = ExecutorConfig(
        kind='dask',
        cluster=kind,
        walltime='01:00:00',
        queue='short',
        directives=directives,
        prologue=('module load vivado',),
        stages={'implement': {'cores': 4}},
    )
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        cluster = cluster_of(executor)
        try:
            script = cluster.job_script()
        finally:
            cluster.close()
    for line in CLUSTERS[kind]:
        assert line in script
    assert '--nthreads 1' in script
    assert '--resources CORES=4,MEMORY_MB=2000' in script
    assert 'module load vivado' in script
