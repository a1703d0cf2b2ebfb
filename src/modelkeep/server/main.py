"""Starts a hub: checks the settings, opens the stores, repairs what a crash left, listens."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from modelkeep import __version__
from modelkeep.api.http.downloads import Acceleration
from modelkeep.domain.errors import ModelkeepError
from modelkeep.jobs.worker import Worker
from modelkeep.server import logs
from modelkeep.server.app import Doors, create_app
from modelkeep.server.data_folder import occupied
from modelkeep.server.runner import serve
from modelkeep.server.wiring import Hub, jobs_url, open_hub
from modelkeep.services.accounts import FirstAccount
from modelkeep.settings import Settings

_LOG = structlog.get_logger("server")


def run(settings: Settings) -> int:
    """Serves until a signal to stop; gives the exit code.

    Raises:
        InvalidInput: The settings are unsafe.
        Unavailable: The data folder or the database cannot be used.
    """
    settings.require_safe()
    logs.configure(settings.log_level, settings.log_format)
    with open_hub(settings) as hub, occupied(settings.data.resolve()):
        _prepare(hub)
        first = hub.accounts.ensure_owner(
            settings.admin_user,
            settings.admin_password.get_secret_value() if settings.admin_password else None,
            settings.admin_token.get_secret_value() if settings.admin_token else None,
        )
        if first is not None:
            _show_once(first)
        app = create_app(hub, _doors(settings))
        with _jobs(hub, settings) as worker:
            serve(
                app,
                settings.host,
                settings.port,
                shutdown_seconds=settings.shutdown_seconds,
                on_ready=lambda host, port: _on_ready(settings, worker, host, port),
            )
    return 0


@contextmanager
def _jobs(hub: Hub, settings: Settings) -> Iterator[Worker]:
    worker = Worker(hub, jobs_url(settings))
    worker.start()
    try:
        yield worker
    finally:
        worker.stop()


def _prepare(hub: Hub) -> None:
    started = time.monotonic()
    hub.transfers.sweep_temporary()
    hub.repos.sweep()
    purged = hub.repos.purge_expired()
    repaired = [repo_id for repo_id in hub.indexing.lagging() if _is_repaired(hub, repo_id)]
    _LOG.info(
        "started",
        version=__version__,
        repaired=repaired,
        purged=purged,
        seconds=round(time.monotonic() - started, 3),
    )


def _is_repaired(hub: Hub, repo_id: str) -> bool:
    try:
        hub.indexing.rebuild(repo_id)
    except (ModelkeepError, OSError, ValueError) as error:
        # One damaged repo must not keep all others from their users.
        _LOG.error("repo_damaged", repo=repo_id, error=type(error).__name__, reason=str(error))
        return False
    return True


def _doors(settings: Settings) -> Doors:
    blobs = settings.data.resolve() / "blobs"
    return Doors(
        public_url=settings.public_url,
        trusted_proxies=settings.trusted_proxies,
        acceleration=Acceleration(settings.accel_prefix, blobs) if settings.accel_prefix else None,
        max_push=settings.max_push,
        git_processes=settings.git_processes,
    )


def _show_once(first: FirstAccount) -> None:
    lines = ["This hub is new. Its owner account, shown only this once:", f"  user      {first.username}"]
    if first.password is not None:
        lines.append(f"  password  {first.password}")
    if first.token is not None:
        lines.append(f"  token     {first.token}")
    _say("\n".join(lines))


def _on_ready(settings: Settings, worker: Worker, address: str, port: int) -> None:
    host = f"[{address}]" if ":" in address else address
    own = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)  # noqa: S104
    worker.reachable_at(f"http://{own}:{port}")
    _say(f"Modelkeep {__version__} is ready at {settings.public_url or f'http://{host}:{port}'}")
    if sys.stdout.isatty():
        _say("Stop it with Ctrl-C.")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
