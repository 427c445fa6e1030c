"""What a piece of work costs the process that does it: CPU seconds, wall seconds, and memory at the peak."""

from __future__ import annotations

import math
import re
import time
from pathlib import Path
from types import TracebackType

_STATUS = Path('/proc/self/status')
_CLEAR = Path('/proc/self/clear_refs')


class Meter:
    """`with Meter() as meter: ...` and then its ``cpu_s`` (all threads), ``wall_s`` and ``peak_mb``.

    ``peak_mb`` is what the resident memory rose above its state at the start; NaN where there is no Linux /proc. (The
    peak of `getrusage` would be that of the parent process, too.)
    """

    cpu_s = wall_s = peak_mb = math.nan

    def __enter__(self) -> Meter:
        if _CLEAR.exists():
            _CLEAR.write_text('5')
        self._memory = _megabytes('VmRSS')
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.cpu_s = time.process_time() - self._cpu
        self.wall_s = time.perf_counter() - self._wall
        self.peak_mb = max(0.0, _megabytes('VmHWM') - self._memory)

    @property
    def figures(self) -> dict[str, float]:
        return {'cpu_s': self.cpu_s, 'wall_s': self.wall_s, 'peak_mb': self.peak_mb}


def _megabytes(entry: str) -> float:
    if not _STATUS.exists():
        return math.nan
    found = re.search(rf'{entry}:\s+(\d+) kB', _STATUS.read_text())
    return int(found[1]) / 1024 if found else math.nan
