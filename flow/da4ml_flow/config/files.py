"""Files that a configuration names: found from its folder, and what is wrong with those that are not there."""

from __future__ import annotations

import zipfile
from functools import lru_cache
from pathlib import Path

from pydantic import ValidationInfo

from da4ml_flow.config.nearest import nearest
from da4ml_flow.config.section import problem


def _files_of(folder: Path) -> list[str]:
    return sorted(item.name for item in folder.iterdir()) if folder.is_dir() else []


def input_file(path: Path, info: ValidationInfo) -> Path:
    """The path, from the folder that the context names; it must exist. Without a context it is left alone."""
    if not info.context:
        return path
    if str(path).startswith('python:'):
        return _function(path, Path(info.context['root']))
    resolved = Path(info.context['root']) / path.expanduser()
    if not resolved.is_file():
        if resolved.is_dir():
            raise problem('missing_file', f'{path} is a folder, not a file', 'name the file in it')
        near = nearest(resolved.name, _files_of(resolved.parent))
        hint = f"did you mean '{path.parent / near}'?" if near else f'looked for {resolved}'
        raise problem('missing_file', f'there is no file {path}', hint)
    return resolved


def _function(source: Path, root: Path) -> Path:
    """python:module:function as it is, python:file.py:function with the file from the folder of the configuration."""
    module, colon, function = str(source).removeprefix('python:').rpartition(':')
    if not colon or not function.isidentifier():
        raise problem('literal', f'{str(source)!r} names no function', 'python:package.module:function')
    if not module.endswith('.py'):
        return source
    file = root / Path(module).expanduser()
    if not file.is_file():
        raise problem('missing_file', f'there is no file {module}', f'looked for {file}')
    return Path(f'python:{file}:{function}')


def arrays_of(path: Path) -> tuple[str, ...]:
    """The names of the arrays of an .npz file; they are not read."""
    status = path.stat()
    return _arrays_of(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=64)
def _arrays_of(path: Path, mtime_ns: int, size: int) -> tuple[str, ...]:
    # a sweep validates thousands of configurations of the same files
    with zipfile.ZipFile(path) as archive:
        return tuple(name.removesuffix('.npy') for name in archive.namelist())


def npz(path: Path, info: ValidationInfo) -> Path:
    try:
        if info.context:
            arrays_of(path)
    except (OSError, zipfile.BadZipFile):
        hint = 'save it with numpy.savez(file, x=..., y=...)'
        raise problem('missing_file', f'{path.name} is not a readable .npz file', hint) from None
    return path
