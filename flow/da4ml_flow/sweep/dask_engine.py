"""Points on Dask distributed: workers here, at a scheduler's address, or started by a batch system."""

from __future__ import annotations

import queue
from collections.abc import Mapping
from typing import Any

from da4ml_flow.config.sweep import ExecutorConfig, Needs
from da4ml_flow.errors import FlowError
from da4ml_flow.sweep.engine import Finished, Task, fitting_workers
from da4ml_flow.sweep.point import run_task

CLUSTERS: Mapping[str, str] = {
    'slurm': 'SLURMCluster',
    'htcondor': 'HTCondorCluster',
    'lsf': 'LSFCluster',
    'pbs': 'PBSCluster',
    'sge': 'SGECluster',
}
START_S = 60


class DaskEngine:
    """Each worker has one thread and takes one point at a time; a lost worker's point goes to another by itself."""

    def __init__(self, executor: ExecutorConfig) -> None:
        try:
            import dask
            from distributed import Client
        except ImportError:
            raise FlowError('executor dask needs Dask', hint="pip install 'da4ml-flow[dask]'") from None
        # the driver counts the tries of a point: Dask itself gives a lost one up at once
        dask.config.set({'distributed.scheduler.allowed-failures': 0})
        self._cluster = None if executor.address else cluster_of(executor)
        if self._cluster is not None and executor.cluster != 'local':
            self._cluster.scale(executor.workers or 1)
        self._client = Client(executor.address or self._cluster, timeout=START_S)
        self._ended: queue.Queue[Finished] = queue.Queue()
        self._futures: dict[str, Any] = {}
        self._tries = 0
        self._asked = executor.workers
        self._sized = bool(executor.stages)  # workers say what they have, tasks what they need

    @property
    def client(self) -> Any:
        """The client of Dask, for whoever wants to look at its workers."""
        return self._client

    def fits(self, needs: Needs) -> bool:
        workers = self._client.scheduler_info(n_workers=-1)['workers'].values()
        if self._sized and workers and not any(_has(worker['resources'], needs) for worker in workers):
            raise FlowError(
                f'no worker of the scheduler has the {needs.cores} cores and {needs.memory_mb} MB of a step',
                hint=f'start one with --resources {_option(needs)}, or ask for less in executor.stages',
            )
        threads = sum(int(worker['nthreads']) for worker in workers)
        return len(self._futures) < (self._asked or max(1, threads))

    def submit(self, task: Task, needs: Needs) -> None:
        self._tries += 1
        key = task['key']
        future = self._client.submit(
            run_task,
            dict(task),
            key=f'{key[:16]}-{self._tries}',
            pure=False,
            retries=0,
            resources=_resources(needs) if self._sized else None,
        )
        self._futures[key] = future
        future.add_done_callback(lambda done: self._ended.put(_finished(key, done)))

    def wait(self, timeout_s: float) -> list[Finished]:
        found: list[Finished] = []
        try:
            found.append(self._ended.get(timeout=timeout_s))
            while True:
                found.append(self._ended.get_nowait())
        except queue.Empty:
            pass
        for finished in found:
            self._futures.pop(finished.key, None)
        return found

    def close(self) -> None:
        self._client.cancel(list(self._futures.values()))
        self._client.close()
        if self._cluster is not None:
            self._cluster.close()


def cluster_of(executor: ExecutorConfig) -> Any:
    """The cluster that the section asks for, without workers where a batch system starts them; raises FlowError.

    Each worker has what the most demanding stage needs.
    """
    most = executor.needs(('', *executor.stages))
    if executor.cluster == 'local':
        from distributed import LocalCluster

        workers = executor.workers or fitting_workers(most.memory_mb, most.cores)
        return LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            memory_limit=f'{most.memory_mb}MB',
            resources=_resources(most),
            dashboard_address=None,
            host='127.0.0.1',
        )
    try:
        import dask_jobqueue
    except ImportError:
        raise FlowError(
            f'cluster {executor.cluster} needs dask-jobqueue', hint="pip install 'da4ml-flow[dask]'"
        ) from None
    options: dict[str, Any] = {
        'cores': most.cores,
        'processes': 1,
        'memory': f'{most.memory_mb}MB',
        'job_script_prologue': list(executor.prologue),
        'job_extra_directives': list(executor.directives),
    }
    options['worker_extra_args'] = ['--nthreads', '1', '--resources', _option(most)]
    if executor.cluster == 'htcondor':
        options['disk'] = '4GB'
        options['job_extra_directives'] = dict(line.split('=', 1) for line in executor.directives)
    else:
        # LSF counts in minutes
        walltime = executor.walltime[:-3] if executor.cluster == 'lsf' else executor.walltime
        options |= {'walltime': walltime, 'queue': executor.queue}
    return getattr(dask_jobqueue, CLUSTERS[executor.cluster])(**options)


def _resources(needs: Needs) -> dict[str, int]:
    """The needs in words of Dask."""
    return {'CORES': needs.cores, 'MEMORY_MB': needs.memory_mb}


def _option(needs: Needs) -> str:
    """The same for the command line of a worker."""
    return ','.join(f'{name}={amount}' for name, amount in _resources(needs).items())


def _has(resources: Mapping[str, float], needs: Needs) -> bool:
    return all(resources.get(name, 0) >= amount for name, amount in _resources(needs).items())


def _finished(key: str, future: Any) -> Finished:
    if future.status == 'finished':
        return Finished(key, future.result())
    if future.status == 'cancelled':
        return Finished(key, None, 'it was cancelled')
    error = future.exception()
    kind = type(error).__name__
    return Finished(key, None, 'its worker was lost' if kind == 'KilledWorker' else f'{kind}: {error}')
