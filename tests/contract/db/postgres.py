"""A private PostgreSQL cluster for the tests, on a Unix socket in a folder of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_connections": "60",
    "autovacuum": "off",
}


def find_programs() -> Path | None:
    """The folder with ``initdb`` and ``pg_ctl``, None where PostgreSQL's server is not installed."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[4]))
    return versions[-1].parent if versions else None


@contextmanager
def running_cluster(programs: Path) -> Iterator[str]:
    """Starts a cluster and gives the URL of its databases, with ``{name}`` for the name."""
    account = _unprivileged_account()
    home = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        if account is not None:
            os.chown(home, account.pw_uid, account.pw_gid)
        data = home / "data"
        _run(account, programs / "initdb", "-D", data, "-U", "hub", "-A", "trust", "-E", "UTF8", "--no-sync")
        options = " ".join(f"-c {name}={value}" for name, value in _SETTINGS.items())
        options += f" -c listen_addresses= -c unix_socket_directories={home}"
        _run(account, programs / "pg_ctl", "-D", data, "-l", home / "log", "-w", "-o", options, "start")
        try:
            yield f"postgresql://hub@/{{name}}?host={home}"
        finally:
            _run(account, programs / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(home)


def _unprivileged_account() -> pwd.struct_passwd | None:
    """Whom to run as: PostgreSQL refuses root."""
    return pwd.getpwnam("postgres") if os.geteuid() == 0 else None


def _run(account: pwd.struct_passwd | None, *command: str | Path) -> None:
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    # The server inherits the descriptors: with a pipe for its output the call would wait for the server's end.
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(
            command,
            env=environment,
            cwd="/",
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
            timeout=60,
        )
        if done.returncode != 0:
            output.seek(0)
            raise RuntimeError(output.read().decode(errors="replace"))
