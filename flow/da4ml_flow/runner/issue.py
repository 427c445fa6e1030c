"""A run packed for a report of a problem: what was asked for, with what, the RTL and the logs; nothing private."""

from __future__ import annotations

import json
import os
import platform
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from getpass import getuser
from importlib import metadata
from pathlib import Path
from socket import gethostname
from typing import Any

import yaml

from da4ml_flow.errors import FlowError, Location
from da4ml_flow.results.record import RunRecord, StageRun, record_to_json, run_record_from_json
from da4ml_flow.runner.keys import package_version
from da4ml_flow.workspace import RECORD

# text that tells what happened; models, data, checkpoints, netlists and binaries stay at home
SUFFIXES = {'.log', '.rpt', '.tcl', '.xdc', '.sdc', '.qsf', '.ys', '.core', '.vc', '.mk', '.txt', '.yml', '.conf'}
NAMES = {'Makefile', RECORD, 'interface.json'}
RTL_SUFFIXES = {'.v', '.vhd', '.cc', '.hh'}
MAX_FILE_BYTES = 8 << 20
MAX_TOTAL_BYTES = 64 << 20
_HIDDEN = '***'
_SECRETS = (
    (
        re.compile(
            r'(?i)\b([\w-]*(?:passw(?:or)?d|passphrase|secret|token|api[_-]?key|credential)[\w-]*["\']?\s*[:=]\s*)("[^"\n]*"|\'[^\'\n]*\'|\S+)'
        ),
        r'\1' + _HIDDEN,
    ),
    (re.compile(r'(?i)(\bauthorization\s*:\s*)(?:\w+\s+)?\S+'), r'\1' + _HIDDEN),
    (re.compile(r'(\w+://)[^/\s:@]+:[^/\s@]+@'), r'\1' + _HIDDEN + '@'),
    (re.compile(r'\b\d{3,5}@[\w.-]+'), _HIDDEN),  # a licence server
    (re.compile(r'(?i)\b((?:XILINXD|LM|SALT|ALTERAD)_LICENSE_FILE\s*=\s*)\S+'), r'\1' + _HIDDEN),
    (re.compile(r'(/home/|/Users/)[^/\s:\'"]+'), '~'),
)


def find_run(run: str, build_root: Path) -> tuple[RunRecord, Path]:
    """The run of a record's path, or of the beginning of its id below a build root, and the path of its record."""
    path = Path(run)
    if path.is_file():
        return _read(path), path
    found = sorted(item for item in build_root.glob('*/runs/*.json') if item.stem.startswith(run))
    if len(found) == 1:
        return _read(found[0]), found[0]
    if not found:
        hint = 'name its record, build/NAME/runs/RUN.json, or give --build-root'
        raise FlowError(f'there is no run {run!r}', location=Location(str(build_root)), hint=hint)
    names = ', '.join(item.stem for item in found[:5])
    raise FlowError(f'more than one run begins with {run!r}', location=Location(str(build_root)), hint=names)


def pack(run: RunRecord, target: Path) -> list[str]:
    """Write the archive, which must not be there; returns the names in it. Raises FlowError."""
    redact = redactor(run)
    partial = target.with_name(f'.{target.name}.{os.getpid()}')
    names: list[str] = []
    if target.exists():
        raise FlowError('the file is there already', location=Location(str(target)), hint='choose another --output')
    try:
        with zipfile.ZipFile(partial, 'x', zipfile.ZIP_DEFLATED) as archive:
            for name, text in _contents(run):
                archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), redact(text), zipfile.ZIP_DEFLATED)
                names.append(name)
        partial.rename(target)
    except OSError as error:
        raise FlowError(f'it cannot be written: {error.strerror}', location=Location(str(target))) from error
    finally:
        with suppress(OSError):
            partial.unlink()
    return names


def redactor(run: RunRecord) -> Any:
    """A function that takes names of people, machines and folders, and what looks like a secret, out of a text."""
    private = {str(Path.home()): '~', run.host: 'host', gethostname(): 'host'}
    for stage in run.stages:
        if stage.directory:
            private[str(Path(stage.directory).parents[1])] = 'BUILD'
    words = {run.user: 'user'}
    with suppress(KeyError, OSError, ImportError):
        words[getuser()] = 'user'

    def redact(text: str) -> str:
        for secret, shown in sorted(private.items(), key=lambda item: -len(item[0])):
            if len(secret) > 2:
                text = text.replace(secret, shown)
        for pattern, shown in _SECRETS:
            text = pattern.sub(shown, text)
        for word, shown in words.items():
            if len(word) > 2 and word != 'root':  # which is a word of many logs
                text = re.sub(rf'(?<![\w]){re.escape(word)}(?![\w])', shown, text)
        return text

    return redact


def _contents(run: RunRecord) -> Iterator[tuple[str, str]]:
    yield 'run.json', record_to_json(run)
    yield 'config.yaml', yaml.safe_dump(json.loads(json.dumps(dict(run.config))), sort_keys=False)
    yield 'versions.json', json.dumps(versions(run), indent=1)
    left = MAX_TOTAL_BYTES
    for stage in run.stages:
        for name, path in _stage_files(stage):
            size = path.stat().st_size
            with path.open('rb') as file:
                if size > MAX_FILE_BYTES:  # the end of a log says more than its beginning
                    file.seek(size - MAX_FILE_BYTES)
                data = file.read(MAX_FILE_BYTES)
            left -= len(data)
            if left < 0:
                yield 'left-out.txt', f'from {name} on: more than {MAX_TOTAL_BYTES >> 20} MB\n'
                return
            yield name, data.decode('utf-8', errors='replace')


def _stage_files(stage: StageRun) -> Iterator[tuple[str, Path]]:
    directory = Path(stage.directory) if stage.directory else None
    if directory is None or not directory.is_dir():
        return
    rtl = stage.stage == 'emit'
    for path in sorted(directory.rglob('*')):
        if path.is_symlink() or not path.is_file():
            continue
        if path.suffix in SUFFIXES or path.name in NAMES or (rtl and path.suffix in RTL_SUFFIXES):
            yield f'{stage.stage}/{path.relative_to(directory).as_posix()}', path


def versions(run: RunRecord) -> Mapping[str, Any]:
    """What ran, and what is installed here now."""
    used = {tool.name: tool.version for stage in run.stages if stage.record for tool in stage.record.tools}
    packages = {}
    for name in ('numpy', 'h5py', 'pydantic', 'fusesoc', 'edalize', 'sqlalchemy'):
        with suppress(metadata.PackageNotFoundError):
            packages[name] = metadata.version(name)
    return {
        'da4ml-flow': package_version(),
        'of the run': run.package_version,
        'python': platform.python_version(),
        'system': f'{platform.system()} {platform.release()} {platform.machine()}',
        'tools': used,
        'packages': packages,
    }


def _read(path: Path) -> RunRecord:
    try:
        return run_record_from_json(path.read_text(encoding='utf-8'), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise FlowError(f'the record cannot be read: {error}', location=Location(str(path))) from error
