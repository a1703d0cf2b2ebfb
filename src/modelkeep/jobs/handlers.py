"""The hub's jobs: what they do, and when they are made.

``deliver`` sends what is due to one webhook, ``import`` does one import, ``tidy`` removes what is kept no longer, and
``collect`` what no repo can reach; ``rechunk`` makes chunks of whole files.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog

from modelkeep.jobs.engine import Engine, Handler
from modelkeep.services.authentication import Authentication
from modelkeep.services.collecting import Collecting
from modelkeep.services.deliveries import Deliveries
from modelkeep.services.downloads import Downloads
from modelkeep.services.events import Events
from modelkeep.services.import_runs import ImportRuns
from modelkeep.services.imports import Imports
from modelkeep.services.pulling import Pulling
from modelkeep.services.rechunking import Rechunking
from modelkeep.services.repos import Repos
from modelkeep.services.transfers import Transfers

_LOG = structlog.get_logger("jobs")

_TIDY_AT = "23 * * * *"
_COLLECT_AT = "41 3 * * *"
_TIDY_AFTER_START = timedelta(minutes=1)
_KEEP_JOBS = timedelta(days=2)
_IMPORT_LINE = "import-"
_RECHUNK_LINE = "rechunk-"


class JobServices(Protocol):
    """What jobs need of the hub."""

    @property
    def authentication(self) -> Authentication:
        """From credentials to an actor."""

    @property
    def collecting(self) -> Collecting:
        """Removing what no repo can reach."""

    @property
    def deliveries(self) -> Deliveries:
        """Events on their way to webhooks."""

    @property
    def downloads(self) -> Downloads:
        """Counts of downloads."""

    @property
    def events(self) -> Events:
        """The outbox."""

    @property
    def import_runs(self) -> ImportRuns:
        """Doing imports."""

    @property
    def imports(self) -> Imports:
        """What is imported from elsewhere."""

    @property
    def pulling(self) -> Pulling:
        """Filling mirrors."""

    @property
    def rechunking(self) -> Rechunking:
        """Making chunks of whole files."""

    @property
    def repos(self) -> Repos:
        """Repos."""

    @property
    def transfers(self) -> Transfers:
        """The bytes of LFS objects."""


class Jobs:
    """Makes and does the hub's jobs.

    Attributes:
        engine: What keeps them and calls the handlers.
    """

    def __init__(
        self, services: JobServices, database_url: str, own_url: Callable[[], str | None] = lambda: None
    ) -> None:
        self._services = services
        self._own_url = own_url
        handlers: dict[str, Handler] = {
            "deliver": self._deliver,
            "import": self._import,
            "tidy": self._tidy,
            "collect": self._collect,
            "rechunk": self._rechunk,
        }
        self.engine = Engine(database_url, handlers, {"tidy": _TIDY_AT, "collect": _COLLECT_AT})

    def tidy_soon(self) -> None:
        """Makes a job that tidies, for hubs that never run when it is time."""
        if "tidy" not in self.engine.busy_lines():
            self.engine.enqueue("tidy", "tidy", delay=_TIDY_AFTER_START)

    def deliver_new(self) -> bool:
        """Makes the jobs for the next new events, and for what is to be tried again; True where there may be more."""
        has_more = self._services.deliveries.fan_out()
        for webhook_id, at in self._services.deliveries.jobs_needed():
            self.engine.enqueue("deliver", str(webhook_id), webhook_id, delay=at - datetime.now(UTC))
            self._services.deliveries.job_made(webhook_id, at)
        return has_more

    def import_due(self) -> None:
        """Makes the jobs for imports whose time has come."""
        for import_id in self._services.imports.due():
            self._services.imports.job_made(import_id)
            self.engine.enqueue("import", f"{_IMPORT_LINE}{import_id}", import_id)

    def rechunk_due(self) -> None:
        """Makes the jobs for repos whose files are to become chunks, once the hub knows its own address."""
        if self._own_url() is None:
            return
        for repo_id in self._services.rechunking.due():
            self._services.rechunking.job_made(repo_id)
            self.engine.enqueue("rechunk", f"{_RECHUNK_LINE}{repo_id}", repo_id)

    def recover(self, overdue: timedelta | None = None) -> None:
        """Lets jobs be made anew where the engine has lost theirs, such as when its database was not restored."""
        lost = self._services.deliveries.recover(self._busy_webhooks, overdue)
        if lost:
            _LOG.info("jobs_recovered", webhooks=list(lost))
        interrupted = self._services.imports.recover(self._busy_imports)
        if interrupted:
            _LOG.info("jobs_recovered", imports=list(interrupted))

        repos = self._services.rechunking.recover(self._busy_rechunks)
        if repos:
            _LOG.info("jobs_recovered", rechunks=repos)

    def _busy_rechunks(self) -> set[str]:
        lines = (line for line in self.engine.busy_lines() if line.startswith(_RECHUNK_LINE))
        return {line.removeprefix(_RECHUNK_LINE) for line in lines}

    def _busy_webhooks(self) -> set[int]:
        return {int(line) for line in self.engine.busy_lines() if line.isdigit()}

    def _busy_imports(self) -> set[int]:
        lines = (line for line in self.engine.busy_lines() if line.startswith(_IMPORT_LINE))
        return {int(line.removeprefix(_IMPORT_LINE)) for line in lines}

    def _import(self, import_id: int) -> None:
        self._services.import_runs.run(import_id)
        self._services.pulling.settle(import_id)

    def _deliver(self, webhook_id: int) -> None:
        self._services.deliveries.send_due(webhook_id)

    def _rechunk(self, repo_id: str) -> None:
        url = self._own_url()
        if url is not None:
            self._services.rechunking.run(repo_id, url)

    def _collect(self) -> None:
        found = self._services.collecting.collect()
        _LOG.info("collected", blobs=found.blobs, xorbs=found.xorbs, freed=found.freed)

    def _tidy(self) -> None:
        counts = {
            "events": self._services.events.sweep(),
            "uploads": self._services.transfers.sweep_abandoned(),
            "failures": self._services.authentication.forget_failures(),
            "repos": len(self._services.repos.purge_expired()),
            "downloads": self._services.downloads.tidy(),
            "jobs": self.engine.forget(_KEEP_JOBS),
        }
        _LOG.info("tidied", **counts)
