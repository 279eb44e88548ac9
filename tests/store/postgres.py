"""A private PostgreSQL server for tests: its own folder and socket, no network, gone afterwards.

`initdb` refuses to run as root, so as root everything runs as the `postgres` user of Debian's package.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_DATABASES = 5
INSTALL = "PostgreSQL's server is not installed. Run: apt-get install postgresql"


class Server:
    """A PostgreSQL server of our own, to be started, killed and started again."""

    def __init__(self, folder: Path, *, durable: bool) -> None:
        self._bin = _binaries()
        self._folder = folder
        self._asked = 0
        self._flush = "on" if durable else "off"
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        self._run(
            "initdb",
            "-D",
            str(folder / "data"),
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-locale",
            "-N",
        )

    @property
    def tables(self) -> Path:
        """Return the folder of the files that tables lie in."""
        return self._folder / "data" / "base"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        settings = f"-k {self._folder} -c listen_addresses= -c fsync={self._flush} -c max_connections=40 -c shared_buffers=16MB"
        self._run(
            "pg_ctl",
            "-D",
            str(self._folder / "data"),
            "-w",
            "-l",
            str(self._folder / "log"),
            "-o",
            settings,
            "start",
        )

    def stop(self) -> None:
        """Stop the server without waiting for clients."""
        self._run("pg_ctl", "-D", str(self._folder / "data"), "-m", "immediate", "-w", "stop")

    def kill(self) -> None:
        """End the server as a power cut would: SIGKILL for every one of its processes, then wait until all are gone."""
        postmaster = int((self._folder / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGSTOP)
        processes = [postmaster, *_children(postmaster)]
        for process in processes:
            _signal(process, signal.SIGKILL)
        while any(_is_alive(process) for process in processes):
            time.sleep(0.01)
        # A killed server that nobody has reaped still looks alive to these locks.
        for lock in ((self._folder / "data" / "postmaster.pid"), *self._folder.glob(".s.PGSQL.*")):
            lock.unlink(missing_ok=True)

    def fresh_database(self) -> str:
        """Return the address of an empty database; good until four more were asked for."""
        name = f"dokja{self._asked % _DATABASES}"
        if self._asked < _DATABASES:
            self._query("postgres", f"CREATE DATABASE {name}")
        else:
            self._query(name, "DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        self._asked += 1
        return f"postgresql://postgres@/{name}?host={self._folder}"

    def _query(self, database: str, sql: str) -> None:
        self._run("psql", "-h", str(self._folder), "-U", "postgres", "-q", "-d", database, "-c", sql)

    def _run(self, program: str, *arguments: str) -> None:
        as_user = (
            ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
        )
        done = subprocess.run(
            [*as_user, str(self._bin / program), *arguments],
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{program} failed: {done.stdout}{done.stderr}"


@contextmanager
def private_server(*, durable: bool = False) -> Iterator[Server]:
    """Yield a running server of its own.

    Without `durable` it does not wait for the disk: enough where processes are killed, too little where power fails.
    """
    folder = Path(tempfile.mkdtemp(prefix="dokja-pg-"))
    server = Server(folder, durable=durable)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


def _binaries() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    assert found or on_path, INSTALL
    return found[-1].parent if found else Path(str(on_path)).parent


def _children(parent: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


def _is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _signal(process: int, number: int) -> None:
    try:
        os.kill(process, number)
    except ProcessLookupError:
        return
