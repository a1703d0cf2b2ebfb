"""The thread that makes the hub's jobs, woken by its bell."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from modelkeep.domain.errors import ModelkeepError

if TYPE_CHECKING:
    from modelkeep.jobs.handlers import Jobs, JobServices

_LOG = structlog.get_logger("jobs")

_LOOK_SECONDS = 5.0
_RECOVER_EVERY = 12
"""Of so many looks one is for deliveries whose jobs were lost."""
_OVERDUE = timedelta(minutes=1)
_RETRY_START_SECONDS = 30.0


class Worker:
    """Runs the hub's jobs from :meth:`start` to :meth:`stop`.

    The engine is loaded and started by the worker's own thread: the hub answers requests meanwhile, and goes on to do
    so where the engine cannot start.
    """

    def __init__(self, services: JobServices, database_url: str) -> None:
        self._services = services
        self._database_url = database_url
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._own_url: str | None = None
        self._thread = threading.Thread(target=self._run, name="jobs", daemon=True)

    def reachable_at(self, url: str) -> None:
        """Says where this hub answers, for jobs that are its clients; they wait until then."""
        self._own_url = url
        self._wake.set()

    def start(self) -> None:
        """Begins; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Ends within about a second; what was under way begins anew at the next start."""
        self._stopping.set()
        self._wake.set()
        self._services.deliveries.stop()
        self._services.import_runs.stop()
        self._services.rechunking.stop()
        self._thread.join()
        _attempt(self._services.downloads.flush)

    def _run(self) -> None:
        from modelkeep.jobs.handlers import Jobs  # loads for most of a second

        while not self._stopping.is_set():
            jobs = Jobs(self._services, self._database_url, lambda: self._own_url)
            try:
                jobs.engine.start()
            except Exception:
                # Whatever keeps the engine from starting, the hub can do without it for a while.
                _LOG.exception("jobs_cannot_start")
                jobs.engine.stop()
                self._stopping.wait(_RETRY_START_SECONDS)
                continue
            try:
                with self._services.events.heard_by(self._wake.set):
                    self._work(jobs)
            finally:
                jobs.engine.stop()

    def _work(self, jobs: Jobs) -> None:
        _attempt(jobs.tidy_soon)
        _attempt(jobs.recover)
        looks = 0
        while not self._stopping.is_set():
            self._wake.clear()
            _attempt(lambda: self._deliver_new(jobs))
            _attempt(jobs.import_due)
            _attempt(jobs.rechunk_due)
            _attempt(self._services.downloads.flush)
            looks += 1
            if looks % _RECOVER_EVERY == 0:
                _attempt(lambda: jobs.recover(_OVERDUE))
            self._wake.wait(_LOOK_SECONDS)

    def _deliver_new(self, jobs: Jobs) -> None:
        while not self._stopping.is_set() and jobs.deliver_new():
            pass


def _attempt(step: Callable[[], object]) -> None:
    try:
        step()
    except ModelkeepError as error:
        _LOG.warning("jobs_delayed", code=error.code)
    except Exception:
        _LOG.exception("jobs_failed")
