"""Where points run: the contract of engines, and the one of processes on this machine."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from da4ml_flow.config.sweep import Needs
from da4ml_flow.sweep.point import PointRecord, run_task

Task = Mapping[str, Any]
HEADROOM = 0.9  # of the memory that is free
ORPHAN_POLL_S = 0.5


class Finished(NamedTuple):
    """A task that came to its end; ``lost`` says how its process died, if it has no record."""

    key: str
    record: PointRecord | None
    lost: str = ''


class Engine(Protocol):
    """Runs tasks somewhere, each once, and says what became of them."""

    def fits(self, needs: Needs) -> bool:
        """Whether one more task of this size can be handed over now."""
        ...

    def submit(self, task: Task, needs: Needs) -> None:
        """Begin a task."""
        ...

    def wait(self, timeout_s: float) -> list[Finished]:
        """The tasks that ended since the last call; waits for one, but not for longer than the timeout."""
        ...

    def close(self) -> None:
        """End what runs."""
        ...


@dataclass(slots=True)
class _Worker:
    process: SpawnProcess
    connection: Connection
    key: str = ''  # of its task; empty: idle
    cores: int = 0  # that its task may use


class LocalEngine:
    """Processes on this machine, each for one point at a time, started when they are needed.

    A process that dies takes only its point with it. When this process dies, they end too, with their tools.
    """

    def __init__(self, workers: int) -> None:
        self.size = workers
        self._workers: list[_Worker] = []
        self._context = multiprocessing.get_context('spawn')

    @property
    def processes(self) -> dict[int, str]:
        """The process ids of the workers, with the key of their task."""
        return {worker.process.pid or 0: worker.key for worker in self._workers}

    def fits(self, needs: Needs) -> bool:
        busy = [worker.cores for worker in self._workers if worker.key]
        if not busy:
            return True  # one at a time, however little there is: else nothing ever ran
        if len(busy) >= self.size or needs.memory_mb > HEADROOM * available_mb():
            return False
        return needs.cores == 1 or sum(busy) + needs.cores <= processors()

    def submit(self, task: Task, needs: Needs) -> None:
        worker = next((worker for worker in self._workers if not worker.key), None) or self._start()
        worker.key, worker.cores = task['key'], needs.cores
        with suppress(BrokenPipeError):  # it died while idle: wait() finds its end
            worker.connection.send(dict(task))

    def wait(self, timeout_s: float) -> list[Finished]:
        busy = [worker for worker in self._workers if worker.key]
        ready = wait([worker.connection for worker in busy], timeout_s) if busy else []
        found: list[Finished] = []
        for worker in busy:
            if worker.connection not in ready:
                continue
            try:
                found.append(Finished(worker.key, worker.connection.recv()))
                worker.key = ''
            except (EOFError, OSError):
                worker.process.join(5)
                found.append(Finished(worker.key, None, _ending(worker.process.exitcode)))
                worker.connection.close()
                self._workers.remove(worker)
        return found

    def close(self) -> None:
        for worker in self._workers:
            worker.connection.close()
            if worker.key:
                worker.process.terminate()
        deadline = time.monotonic() + 5
        for worker in self._workers:
            worker.process.join(max(0.1, deadline - time.monotonic()))
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
        self._workers.clear()

    def _start(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=work, args=(theirs,), name='da4ml-flow point', daemon=False)
        process.start()
        theirs.close()
        worker = _Worker(process, ours)
        self._workers.append(worker)
        return worker


def work(connection: Connection) -> None:
    """What a worker does: a task, its record, the next one, until nobody listens."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    signal.signal(signal.SIGINT, lambda *_: sys.exit(128 + signal.SIGINT))
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            connection.send(run_task(connection.recv()))


def _end_with(parent: int) -> None:
    """End this process, and with it its tools, as soon as its parent is gone."""
    while os.getppid() == parent:
        time.sleep(ORPHAN_POLL_S)
    os._exit(1)


def fitting_workers(memory_mb: int, cores: int) -> int:
    """How many points of this size the machine takes at once, at least one."""
    return max(1, min(processors() // cores, int(HEADROOM * available_mb()) // memory_mb))


def processors() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1


def available_mb() -> float:
    """Memory that can be had without swapping, within the limit of the control group; 10^6 where nobody knows."""
    found = [1e6]
    with suppress(OSError, ValueError, IndexError):
        lines = Path('/proc/meminfo').read_text().splitlines()
        found += [int(line.split()[1]) / 1024 for line in lines if line.startswith('MemAvailable:')]
    with suppress(OSError, ValueError):
        limit = Path('/sys/fs/cgroup/memory.max').read_text().strip()
        used = int(Path('/sys/fs/cgroup/memory.current').read_text())
        if limit != 'max':
            found.append((int(limit) - used) / 2**20)
    return min(found)


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f'signal {-code}'
        return f'its process was killed by {name}' + (': out of memory?' if name == 'SIGKILL' else '')
    return f'its process ended with status {code}'
