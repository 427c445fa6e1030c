"""Where, when and by whom a build was made."""

from __future__ import annotations

import getpass
import os
import socket
import tempfile
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from da4ml_flow.eda import process
from da4ml_flow.errors import ToolError

GIT_TIMEOUT_S = 10.0


class Provenance(NamedTuple):
    """The commit is that of the configuration's folder; dirty if a tracked file there differs from it."""

    host: str
    user: str
    git_commit: str | None
    git_dirty: bool | None


def provenance(folder: Path) -> Provenance:
    """What is known; nothing here can fail a build."""
    user = 'unknown'
    with suppress(KeyError, OSError, ImportError):
        user = getpass.getuser()
    commit, dirty = _git_state(folder)
    return Provenance(socket.gethostname(), user, commit, dirty)


def now() -> datetime:
    return datetime.now(UTC)


def _git_state(folder: Path) -> tuple[str | None, bool | None]:
    command = ['git', 'status', '--porcelain=v2', '--branch', '--untracked-files=no']
    with tempfile.TemporaryDirectory(prefix='da4ml_') as scratch:
        log = Path(scratch) / 'status'
        try:
            env = {**os.environ, 'GIT_OPTIONAL_LOCKS': '0'}
            process.run(command, cwd=folder, log=log, timeout_s=GIT_TIMEOUT_S, env=env)
        except (ToolError, OSError):
            return None, None
        lines = log.read_text(errors='replace').splitlines()
    commit = next((line.split()[-1] for line in lines if line.startswith('# branch.oid ')), None)
    if commit is None or commit == '(initial)':
        return None, None
    return commit, any(not line.startswith('#') for line in lines)
