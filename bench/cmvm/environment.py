"""The environment of the peers, set up by itself: nothing of theirs is installed where we run."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

PEERS = {'da4ml': '0.6.0', 'alkaid': '0.8.2'}


def cache_directory() -> Path:
    """Where the environment and kept answers live: `XDG_CACHE_HOME`, or `~/.cache`."""
    return Path(os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache') / 'da4ml-flow'


def peers_python() -> str:
    """The interpreter of the peers' environment, which is made on the first call (from the package index)."""
    wanted = [f'{name}=={version}' for name, version in PEERS.items()]
    home = cache_directory() / '-'.join(['peers', *PEERS.values()])
    python, done = home / 'bin' / 'python', home / 'complete'
    if not done.exists():
        print(f'installing {", ".join(wanted)} into {home}', file=sys.stderr)
        venv.create(home, clear=True, with_pip=True)
        subprocess.run([str(python), '-m', 'pip', 'install', '--quiet', *wanted], check=True)
        done.write_text('\n'.join(wanted) + '\n')
    return str(python)
