"""Run programs: the only module of the flow that starts a process."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from da4ml_flow.errors import Location, ToolError, ToolFailed, ToolNotFound, ToolTimeout

# A watcher in the tool's process group reads a pipe whose other end this process holds. However this process ends,
# SIGKILL included, the pipe closes and the whole group dies: no orphan goes on writing where the next run works.
# It is forked twice, so that the tool does not find a child that it never made.
_GUARD = 'exec 3<&0; ( { read -r _ <&3; kill -KILL 0; } & ); exec 3<&-; exec "$@" </dev/null'

_FIRST_ERROR = (
    re.compile(r'^%Error'),  # Verilator
    re.compile(
        r'^\s*(?:\S+:\s?)?(?:fatal )?error\b\s*(?:[:\[]|\(\d+\):)', re.IGNORECASE
    ),  # Yosys, nextpnr, vendors, compilers
    re.compile(r'^\w*(?:Error|Exception)\b: '),  # Python
    re.compile(r'\berror:\s', re.IGNORECASE),
    re.compile(r'^\S+\.vhdl?:\d+:\d+: '),  # GHDL, which calls nothing an error
    re.compile(r'not found|No such file|Permission denied|No space left|[Kk]illed|terminate called|Segmentation'),
    re.compile(r'\*\*\* '),  # make: true, but it never says why
)
_COUNT = '%Error: Exiting due to'  # Verilator's last line, which names nothing
_EXCERPT_CHARS = 160
_FULL_KB = 1024


@dataclass(frozen=True, slots=True)
class Finished:
    """A program that ended with status 0; what it cost is the business of `shims/meter.py`."""

    log: Path
    wall_s: float


def run(
    argv: Sequence[str | Path],
    *,
    cwd: Path,
    log: Path,
    timeout_s: float | None = None,
    env: Mapping[str, str] | None = None,
    hint: str = '',
) -> Finished:
    """Run a program without a shell or a terminal; its output goes to ``log``, appended.

    On a timeout, an exception, or the death of this process the whole process group of the program is killed.
    Raises ToolNotFound, ToolFailed (with the first error of the log), ToolTimeout.
    """
    command = [str(part) for part in argv]
    environment = dict(os.environ if env is None else env)
    name = Path(command[0]).name
    search = environment.get('PATH', os.defpath)
    if shutil.which(command[0], path=search) is None:
        raise ToolNotFound(f'there is no program {command[0]!r}', notes=(f'looked in {search}',), hint=hint)
    log.parent.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    with log.open('ab') as out:
        begin = out.tell()
        process = subprocess.Popen(
            ['/bin/sh', '-c', _GUARD, 'sh', *command],
            cwd=cwd,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        status = _wait(process, timeout_s)
    finally:
        _kill_group(process)
    wall_s = time.monotonic() - start
    if status is None:
        raise ToolTimeout(
            f'{name} was stopped after {timeout_s:g} s',
            location=Location(str(log)),
            hint='raise the timeout, or make the design smaller',
        )
    code = os.waitstatus_to_exitcode(status)
    if code != 0:
        raise failure(name, code, log, begin, hint)
    return Finished(log, wall_s)


def failure(name: str, code: int, log: Path, begin: int = 0, hint: str = '') -> ToolError:
    """The error of a tool that ended with a status other than 0: its first error line is the location."""
    ending = f'was killed by {_signal_name(-code)}' if code < 0 else f'failed with exit status {code}'
    with log.open('rb') as file:
        before = file.read(begin).count(b'\n')
        text = file.read().decode(errors='replace')
    found = first_error(text)
    if found is None:
        lines = [line for line in text.splitlines() if line.strip()]
        notes = (*(_cut(line) for line in lines[-3:]), *_full_disk(log))
        return ToolFailed(f'{name} {ending}', location=Location(str(log)), notes=notes, hint=hint)
    number, line = found
    note = (_cut(line.strip()),)
    return ToolFailed(f'{name} {ending}', location=Location(str(log), before + number), notes=note, hint=hint)


def _full_disk(log: Path) -> tuple[str, ...]:
    """What a log that could not be written to its end does not say."""
    disk = os.statvfs(log)
    free_kb = disk.f_bavail * disk.f_frsize >> 10
    return (f'its disk is full: {free_kb} kB are free',) if free_kb < _FULL_KB else ()


def first_error(text: str) -> tuple[int, str] | None:
    """``(line number from 1, line)`` of the first error that a log tells of, the most telling kind first."""
    lines = text.splitlines()
    for pattern in _FIRST_ERROR:
        for number, line in enumerate(lines, 1):
            if pattern.search(line) and not line.startswith(_COUNT):
                return number, line
    return None


def _wait(process: subprocess.Popen[bytes], timeout_s: float | None) -> int | None:
    """The wait status, or None after the timeout."""
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    pause = 0.001
    while True:
        pid, status = os.waitpid(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return status
        if deadline is not None and time.monotonic() > deadline:
            return None
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of the program's group, the watcher too, and reap the program."""
    try:
        os.killpg(process.pid, signal.SIGKILL)  # its session makes the group's id its own
    except ProcessLookupError:
        pass
    except PermissionError:  # macOS says so of a group of zombies
        pass
    if process.stdin is not None:
        process.stdin.close()
    process.wait()


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f'signal {number}'


def _cut(line: str) -> str:
    return line if len(line) <= _EXCERPT_CHARS else line[: _EXCERPT_CHARS - 1] + '…'
