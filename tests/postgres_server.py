"""A PostgreSQL server of its own for a test session: the system's binaries, a temporary folder, a socket in it."""

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

PROGRAMS = [Path('/usr/lib/postgresql'), Path('/usr/pgsql'), Path('/opt/homebrew/opt')]
USER = 'da4ml'


def program(name: str) -> str | None:
    """Debian keeps the server's programs beside the path."""
    found = sorted(path for root in PROGRAMS for path in root.glob(f'*/bin/{name}'))
    return str(found[-1]) if found else shutil.which(name)


class PostgresServer:
    """Runs until stopped; takes connections through its socket alone."""

    def __init__(self) -> None:
        initdb, postgres = program('initdb'), program('postgres')
        if initdb is None or postgres is None:
            pytest.skip('no PostgreSQL: neither initdb and postgres in PATH nor /usr/lib/postgresql/*/bin')
        pytest.importorskip('psycopg', reason="no psycopg: pip install 'da4ml-flow[postgres]'")
        self.folder = Path(tempfile.mkdtemp(prefix='da4ml_pg_'))
        self.count = 0
        self.free: list[str] = []
        self.used: list[str] = []
        who: dict = {}
        if os.getuid() == 0:  # which the server refuses to be
            import pwd

            names = {entry.pw_name for entry in pwd.getpwall()}
            name = next((name for name in ('postgres', 'nobody') if name in names), None)
            if name is None:
                pytest.skip('PostgreSQL does not run as root, and there is no user postgres or nobody')
            shutil.chown(self.folder, name)
            who = {'user': name, 'group': pwd.getpwnam(name).pw_gid, 'extra_groups': []}
        data = self.folder / 'data'
        common = {'stdin': subprocess.DEVNULL, 'stderr': subprocess.STDOUT, 'cwd': self.folder, **who}
        made = subprocess.run(
            [initdb, '-D', data, '-U', USER, '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'],
            stdout=subprocess.PIPE,
            timeout=120,
            check=False,
            **common,
        )
        assert made.returncode == 0, made.stdout.decode()
        options = {
            'listen_addresses': '',
            'unix_socket_directories': self.folder,
            'fsync': 'off',
            'full_page_writes': 'off',  # it never outlives its tests
            'autovacuum': 'off',
            'jit': 'off',
        }
        flags = [part for key, value in options.items() for part in ('-c', f'{key}={value}')]
        self.log = (self.folder / 'log').open('wb')
        self.process = subprocess.Popen([postgres, '-D', data, *flags], stdout=self.log, **common)
        deadline = time.monotonic() + 60
        while True:
            try:
                self.run('SELECT 1')
                return
            except Exception:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    raise
                time.sleep(0.05)

    def url(self, database: str) -> str:
        return f'postgresql://{USER}@/{database}?host={self.folder}'

    def run(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(self.url('postgres'), autocommit=True) as connection:
            connection.execute(statement)

    def fresh(self) -> str:
        """The URL of an empty database: one that was given back, or a new one."""
        if not self.free:
            self.count += 1
            self.run(f'CREATE DATABASE fresh{self.count}')
            self.free.append(f'fresh{self.count}')
        self.used.append(self.free.pop())
        return self.url(self.used[-1])

    def take_back(self) -> None:
        """Empty the databases that were in use, which takes a third of what making new ones does."""
        import psycopg

        while self.used:
            name = self.used.pop()
            with psycopg.connect(self.url(name), autocommit=True) as connection:
                # what a test left open would hold its tables
                connection.execute(
                    'SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity '
                    'WHERE datname = current_database() AND pid <> pg_backend_pid()'
                )
                schemas = connection.execute(
                    "SELECT nspname FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema$)'"
                ).fetchall()
                for (schema,) in schemas:
                    connection.execute(f'DROP SCHEMA "{schema}" CASCADE')
                connection.execute('CREATE SCHEMA public')
            self.free.append(name)

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)
