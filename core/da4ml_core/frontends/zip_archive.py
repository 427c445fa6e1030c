"""Members of zip archives that nobody vouches for: by their exact names, once, and no larger than asked for."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import IO

from da4ml_core.errors import CorruptModel, FrontendError, Location


def open_zip(source: Path | IO[bytes], suffix: str, file: str) -> zipfile.ZipFile:
    """The archive; raises FrontendError if it is not there, CorruptModel if it is not whole."""
    try:
        return zipfile.ZipFile(source)
    except FileNotFoundError:
        raise FrontendError(f'there is no model file {file}', location=Location(file)) from None
    except OSError as error:
        raise FrontendError(f'cannot read {file}: {error.strerror}', location=Location(file)) from None
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise CorruptModel(
            f'not a whole {suffix} file: {error}',
            location=Location(file),
            hint=f'a {suffix} file is a zip archive; this one is cut off, or something else',
        ) from None


def read_member(archive: zipfile.ZipFile, name: str, max_bytes: int, file: str, hint: str = '') -> bytes:
    """One member; other members, whatever their names, are never touched. Raises CorruptModel.

    ``hint`` says how to save a model that has the member.
    """
    try:
        info = archive.getinfo(name)
    except KeyError:
        raise CorruptModel(f'the archive has no {name}', location=Location(file), hint=hint) from None
    if len(archive.NameToInfo) < len(archive.infolist()) and (count := archive.namelist().count(name)) > 1:
        raise CorruptModel(f'the archive has {count} members named {name}', location=Location(file))
    too_big = CorruptModel(f'{name} unpacks to more than {max_bytes >> 20} MB', location=Location(file), context=name)
    if info.file_size > max_bytes:
        raise too_big
    try:
        with archive.open(info) as member:
            data = member.read(max_bytes + 1)  # the size in the header need not be true
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError) as error:
        raise CorruptModel(f'{name} cannot be unpacked: {error}', location=Location(file)) from None
    if len(data) > max_bytes:
        raise too_big
    return data
