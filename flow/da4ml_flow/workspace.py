"""Run directories: one folder a finished stage, written beside its place and renamed into it, under a lock.

``<build root>/<name>/<stage>-<key12>/`` holds the artifacts of a stage and, written last, ``record.json`` with their
hashes; a folder whose record is absent or does not fit is no result. Beside it, ``.work`` is a stage in progress and
``.failed`` what a failed one left.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from da4ml_flow.errors import Location, ResultsError, ToolFailed, WorkspaceError
from da4ml_flow.results.record import Artifact, StageRecord, record_to_json, stage_record_from_json

RECORD = 'record.json'
LOCKS = '.locks'
REASONS = {
    errno.ENOSPC: 'no space left',
    errno.EDQUOT: 'disk quota exceeded',
    errno.EACCES: 'permission denied',
    errno.EPERM: 'permission denied',
    errno.EROFS: 'read-only file system',
    errno.EFBIG: 'a file is too large for the limit on its size',
    errno.EIO: 'the disk fails',
    errno.ESTALE: 'the network file system lost it',
    errno.EMFILE: 'too many open files',
    errno.ENFILE: 'too many open files',
    errno.ENAMETOOLONG: 'a name is too long',
    errno.ENOTDIR: 'a file where a folder is needed',
    errno.EEXIST: 'a file where a folder is needed',
}


class Workspace:
    """The stages of one design below a build root."""

    def __init__(self, build_root: Path, name: str) -> None:
        self.root = build_root / name
        with system_errors(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            (self.root / LOCKS).mkdir(exist_ok=True)
            for marker, content in (('.gitignore', '*\n'), ('FUSESOC_IGNORE', '')):
                if not (build_root / marker).exists():
                    (build_root / marker).write_text(content)

    def directory(self, stage: str, key: str) -> Path:
        """Where the result of a stage with this key is, or would be."""
        return self.root / f'{stage}-{key[:12]}'

    @contextmanager
    def lock(self, stage: str, key: str, waiting: Callable[[], None]) -> Iterator[None]:
        """Hold a stage's key against every other build of this tree; the lock ends with the process."""
        path = self.root / LOCKS / f'{stage}-{key[:12]}'
        with system_errors(path):
            file = path.open('a')
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waiting()
                fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def find(self, stage: str, key: str) -> tuple[StageRecord | None, str]:
        """The finished stage if every artifact is what its record says, else None and what is wrong if it is there."""
        directory = self.directory(stage, key)
        if not directory.exists():
            return None, ''
        path = directory / RECORD
        try:
            record = stage_record_from_json(path.read_text(), str(path))
        except ResultsError as error:
            return None, error.message
        except (OSError, UnicodeDecodeError):
            return None, f'{RECORD} cannot be read'
        if record.key != key:
            return None, 'its record is of another key'
        for name, artifact in record.artifacts.items():
            try:
                sha256, size = hash_tree(directory / artifact.path)
            except OSError:
                return None, f'artifact {name!r} is missing'
            if (sha256, size) != (artifact.sha256, artifact.size):
                return None, f'artifact {name!r} was changed'
        return record, ''

    def work_directory(self, stage: str, key: str) -> Path:
        """Where a stage with this key works."""
        return self._sibling(stage, key, 'work')

    def begin(self, stage: str, key: str) -> Path:
        """A fresh directory to work in; what a killed build left there is put aside. Needs the lock."""
        work = self.work_directory(stage, key)
        with system_errors(work):
            if work.is_dir() and any(work.iterdir()):
                _remove(self._sibling(stage, key, 'failed'))
                work.rename(self._sibling(stage, key, 'failed'))
            _remove(work)
            work.mkdir()
        return work

    def earlier(self, stage: str, key: str) -> Path | None:
        """What a try that failed or was killed left: made of the same inputs, and whole only where it says so."""
        failed = self._sibling(stage, key, 'failed')
        return failed if failed.is_dir() else None

    def commit(self, record: StageRecord, artifacts: Mapping[str, Path]) -> StageRecord:
        """Make the work directory the result, on disk for good; returns the record with the hashes of the artifacts."""
        work = self.work_directory(record.stage, record.key)
        target = self.directory(record.stage, record.key)
        with system_errors(work):
            hashed = {}
            for name, path in artifacts.items():
                inside = (work / path).resolve()
                if not inside.is_relative_to(work.resolve()):
                    raise WorkspaceError(f'stage {record.stage}: artifact {name!r} is outside its directory: {path}')
                if not inside.exists():
                    raise ToolFailed(f'stage {record.stage}: no {inside.name} was left', location=Location(str(inside)))
                sha256, size = hash_tree(inside)
                _sync_tree(inside)
                hashed[name] = Artifact(str(inside.relative_to(work.resolve())), sha256, size)
            record = replace(record, artifacts=hashed)
            write_durably(work / RECORD, record_to_json(record))
            _remove(target)
            work.rename(target)
            _sync(self.root)
            _remove(self._sibling(record.stage, record.key, 'failed'))
        return record

    def keep_failed(self, stage: str, key: str) -> Path | None:
        """Put the work directory aside for the user to look at; returns where, None if nothing was in it."""
        work, failed = self.work_directory(stage, key), self._sibling(stage, key, 'failed')
        if not work.is_dir() or not any(work.iterdir()):
            self.discard(stage, key)
            return None
        with suppress(OSError):
            _remove(failed)
            work.rename(failed)
            return failed
        return work

    def discard(self, stage: str, key: str) -> None:
        """Remove the work directory."""
        with suppress(OSError):
            _remove(self.work_directory(stage, key))

    def _sibling(self, stage: str, key: str, suffix: str) -> Path:
        return self.root / f'{stage}-{key[:12]}.{suffix}'


@contextmanager
def system_errors(path: Path) -> Iterator[None]:
    """Turn what the operating system refuses into a WorkspaceError that says where."""
    try:
        yield
    except OSError as error:
        refused = refusal(error, path)
        if refused is None:
            raise
        raise refused from error


def refusal(error: OSError, path: Path | None = None) -> WorkspaceError | None:
    """What the operating system refuses, with where, if the error is that; ``path`` is for an error that names none."""
    if isinstance(error, WorkspaceError) or error.errno not in REASONS:
        return None
    where = error.filename2 or error.filename or path  # of a copy or a renaming, where it goes
    hint = 'free or repair it, or choose another place with --build-root'
    return WorkspaceError(f'{REASONS[error.errno]}: {where}' if where else REASONS[error.errno], hint=hint)


def write_durably(path: Path, text: str) -> None:
    """Write a file so that it is there whole or not at all, whatever is killed when."""
    with written_durably(path) as file:
        file.write(text.encode())


@contextmanager
def written_durably(path: Path) -> Iterator[BinaryIO]:
    """A file to write that takes its place when it is whole; after an error nothing has changed."""
    partial = path.with_name(f'.{path.name}.{os.getpid()}')
    try:
        with partial.open('wb') as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        with suppress(OSError):
            partial.unlink()
        raise
    _sync(path.parent)


def hash_tree(path: Path) -> tuple[str, int]:
    """SHA-256 and size in bytes of a file, or of all names and contents below a folder; raises OSError."""
    if not path.is_dir():
        with path.open('rb') as file:
            return hashlib.file_digest(file, 'sha256').hexdigest(), path.stat().st_size
    total, tree = 0, hashlib.sha256()
    for item in sorted(item for item in path.rglob('*') if item.is_file()):
        sha256, size = hash_tree(item)
        total += size
        tree.update(f'{item.relative_to(path)}\0{sha256}\n'.encode())
    return tree.hexdigest(), total


def _sync_tree(path: Path) -> None:
    for item in path.rglob('*') if path.is_dir() else ():
        _sync(item)
    _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        aside = path.with_name(f'{path.name}.old')
        if aside.exists():
            shutil.rmtree(aside)
        path.rename(aside)  # a removal that is killed half-way must not leave what looks like a result
        shutil.rmtree(aside)
    elif path.exists() or path.is_symlink():
        path.unlink()
