"""Points on Dask distributed: workers here, at a scheduler's address, or started by a batch system."""

from __future__ import annotations

import queue
from collections.abc import Mapping
from typing import Any

from da4ml_flow.config.sweep import ExecutorConfig
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

    @property
    def client(self) -> Any:
        """The client of Dask, for whoever wants to look at its workers."""
        return self._client

    def free(self) -> int:
        threads = sum(int(item['nthreads']) for item in self._client.scheduler_info(n_workers=-1)['workers'].values())
        return max(0, (self._asked or max(1, threads)) - len(self._futures))

    def submit(self, task: Task) -> None:
        self._tries += 1
        key = task['key']
        future = self._client.submit(run_task, dict(task), key=f'{key[:16]}-{self._tries}', pure=False, retries=0)
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
    """The cluster that the section asks for, without workers where a batch system starts them; raises FlowError."""
    if executor.cluster == 'local':
        from distributed import LocalCluster

        workers = executor.workers or fitting_workers(executor.memory_mb, executor.cores)
        return LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            memory_limit=f'{executor.memory_mb}MB',
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
        'cores': executor.cores,
        'processes': 1,
        'memory': f'{executor.memory_mb}MB',
        'job_script_prologue': list(executor.prologue),
        'job_extra_directives': list(executor.directives),
    }
    if executor.cluster == 'htcondor':
        options['disk'] = '4GB'
        options['job_extra_directives'] = dict(line.split('=', 1) for line in executor.directives)
        options['worker_extra_args'] = ['--nthreads', '1']
    else:
        # LSF counts in minutes
        walltime = executor.walltime[:-3] if executor.cluster == 'lsf' else executor.walltime
        options |= {'walltime': walltime, 'queue': executor.queue, 'worker_extra_args': ['--nthreads', '1']}
    return getattr(dask_jobqueue, CLUSTERS[executor.cluster])(**options)


def _finished(key: str, future: Any) -> Finished:
    if future.status == 'finished':
        return Finished(key, future.result())
    if future.status == 'cancelled':
        return Finished(key, None, 'it was cancelled')
    error = future.exception()
    kind = type(error).__name__
    return Finished(key, None, 'its worker was lost' if kind == 'KilledWorker' else f'{kind}: {error}')
