"""The system's C compiler: sources to a shared library, kept in the user's cache under the hash of what made it."""

from __future__ import annotations

import ctypes
import os
import shlex
import shutil
import signal
import subprocess
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from da4ml_core.errors import InterpError

FLAGS = ('-std=gnu11', '-O1', '-fPIC', '-fno-strict-aliasing', '-Wno-psabi')  # -O1: the vectors are in the source
TIMEOUT_S = 1800.0  # of one file, which takes seconds: a compiler that waits for a licence or a dead disk
VERSION_TIMEOUT_S = 60.0
LONGEST_MESSAGE = 2000  # characters of a compiler's complaint


class NoCompiler(InterpError):
    """This machine cannot build the compiled form."""


def cache_directory() -> Path:
    """Where libraries are kept; it may be deleted at any time."""
    return Path(os.environ.get('XDG_CACHE_HOME') or str(Path.home() / '.cache')) / 'da4ml-flow' / 'compiled'


def find_compiler() -> tuple[list[str], str]:
    """The command of the C compiler, $CC or cc, and what it says of its version; raises NoCompiler."""
    return _compiler(os.environ.get('CC', 'cc'), os.environ.get('PATH', ''))


@lru_cache(maxsize=4)
def _compiler(named: str, path: str) -> tuple[list[str], str]:
    command = shlex.split(named)
    program = shutil.which(command[0], path=path) if command else None
    if program is None:
        raise NoCompiler(
            f'no C compiler: {named!r} is not on PATH',
            hint='install gcc or clang, or set CC; without the compiled form the interpreter gives the same results',
        )
    try:
        answer = subprocess.run(
            [program, *command[1:], '--version'],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=VERSION_TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired) as cause:
        raise NoCompiler(f'{program} does not say its version: {cause}', hint='repair it, or set CC') from None
    return [program, *command[1:]], answer.stdout


def build_library(
    sources: Sequence[str], flags: Sequence[str], functions: Sequence[str]
) -> tuple[ctypes.CDLL, list[int]]:
    """The library of the sources and the addresses of functions in it, built if it is not in the cache.

    Raises NoCompiler, and InterpError for what the compiler refuses.
    """
    command, version = find_compiler()
    content = '\0'.join([*command, version, *FLAGS, *flags, *sources])
    key = sha256(content.encode()).hexdigest()
    try:
        library = ctypes.CDLL(str(_kept(key) or _build(key, command, sources, flags)))
    except OSError:  # deleted meanwhile, or of another system that shares the cache
        library = _loaded(_build(key, command, sources, flags))
    addresses = [ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0 for name in functions]
    return library, addresses


def _loaded(path: Path) -> ctypes.CDLL:
    try:
        return ctypes.CDLL(str(path))
    except OSError as cause:  # of a file system that nothing is run from, for example
        raise InterpError(
            f'the compiled program cannot be loaded: {cause}', hint='set XDG_CACHE_HOME to a folder that code may be in'
        ) from None


def _kept(key: str) -> Path | None:
    """The library in the cache; one that is not what its name says would crash, or compute something else."""
    for path in cache_directory().glob(f'{key}-*.so'):
        with suppress(OSError):
            if path.stem == f'{key}-{sha256(path.read_bytes()).hexdigest()}':
                return path
            path.unlink()
    return None


def _build(key: str, command: Sequence[str], sources: Sequence[str], flags: Sequence[str]) -> Path:
    """Compile on all cores, link, and put the library in place at once, so that no one finds half of it."""
    cache = cache_directory()
    try:
        cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        with TemporaryDirectory(prefix='build-', dir=cache) as scratch:
            folder = Path(scratch)
            for number, source in enumerate(sources):
                (folder / f'{number}.c').write_text(source)

            compilers = _Compilers(folder, cache / f'{key}.log')

            def compile_one(number: int) -> None:
                compilers.run([*command, *FLAGS, *flags, '-c', f'{number}.c', '-o', f'{number}.o'])

            with ThreadPoolExecutor(os.cpu_count()) as pool:
                try:
                    list(pool.map(compile_one, range(len(sources))))
                except BaseException:  # an interrupt, too: the compilers have groups of their own, which it misses
                    pool.shutdown(wait=False, cancel_futures=True)
                    compilers.stop()
                    raise
            objects = [f'{number}.o' for number in range(len(sources))]
            compilers.run([*command, '-shared', '-o', 'library.so', *objects])
            library = folder / 'library.so'
            return library.replace(cache / f'{key}-{sha256(library.read_bytes()).hexdigest()}.so')
    except OSError as cause:
        raise InterpError(
            f'the compiled program cannot be written: {cause}', hint='set XDG_CACHE_HOME to a folder that can be'
        ) from None


class _Compilers:
    """The compilers of one build, each for so long at most; what one said in vain is kept in ``log``."""

    def __init__(self, folder: Path, log: Path) -> None:
        self._folder = folder
        self._log = log
        self._running: list[subprocess.Popen[bytes]] = []
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Kill those that run, and any that is just being started."""
        self._stopped.set()
        for process in list(self._running):
            if process.poll() is None:
                _kill_group(process)

    def run(self, command: list[str]) -> None:
        said = self._folder / f'{command[-1]}.log'
        with said.open('wb') as out:
            process = subprocess.Popen(
                command, cwd=self._folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
            )
        self._running.append(process)
        try:
            if not self._stopped.is_set():
                process.wait(TIMEOUT_S)
            ending = f'failed with exit code {process.returncode}' if process.returncode else ''
        except subprocess.TimeoutExpired:
            ending = f'was stopped after {TIMEOUT_S:g} s'
        finally:
            _kill_group(process)
        if ending:
            complaint = said.read_text(errors='replace').strip()
            with suppress(OSError):
                self._log.write_text(f'{shlex.join(command)} {ending}\n{complaint}\n')
            raise InterpError(
                f'{shlex.join(command)} {ending}:\n{complaint[:LONGEST_MESSAGE]}',
                notes=(f'its log is kept in {self._log}',),
                hint='GCC from 9 on or Clang can; without the compiled form the interpreter gives the same results',
            )


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill the compiler and what it started, if anything of it is left."""
    with suppress(ProcessLookupError, PermissionError):  # macOS says the latter of a group of zombies
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
