"""The job engine: DBOS Transact (ADR 17), kept to what the hub needs of it.

A job is a name and a few values. It is on disk before :meth:`Engine.enqueue` returns, runs once its delay has passed,
and runs again from its start if the process ended meanwhile; a job that waits takes no thread. Jobs of one line run
one after the other. Nothing here opens a port or calls anybody.
"""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

# Whoever sets this for another program must not make this one call its maker's cloud.
os.environ.pop("DBOS__CLOUD", None)

from dbos import DBOS, DBOSConfig, SetEnqueueOptions, SetWorkflowID

Handler: TypeAlias = Callable[..., None]

_QUEUE = "hub"
_ACTIVE = ["ENQUEUED", "DELAYED", "PENDING"]
_OVER = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
_FORGOTTEN_AT_ONCE = 500
_POLL_SECONDS = 1.0
_STOP_SECONDS = 0.2
"""How soon the library's listener for messages (which the hub does not use) sees that it is to stop."""


class Engine:
    """One engine for each process: the library keeps its state for all of it.

    Args:
        database_url: Where jobs are kept: an SQLite file of their own, or the hub's PostgreSQL database (own schema).
        handlers: What jobs can be, by name. Names and the values that handlers take are kept on disk: change neither.
        schedule: Which of them run by themselves, without values: by name, the cron expression of when (UTC).
        workers: How many jobs run at once.
    """

    def __init__(
        self,
        database_url: str,
        handlers: Mapping[str, Handler],
        schedule: Mapping[str, str],
        *,
        workers: int = 32,
    ) -> None:
        self._url = database_url
        self._handlers = handlers
        self._schedule = schedule
        self._workers = workers
        self._workflows: dict[str, Any] = {}
        self._queue: Any = None

    def start(self) -> None:
        """Starts working, first on what was left undone."""
        _quieten()
        if self._url.startswith("sqlite:///"):
            os.close(os.open(self._url.removeprefix("sqlite:///"), os.O_RDWR | os.O_CREAT, 0o600))
        config: DBOSConfig = {
            "name": "modelkeep",
            "system_database_url": self._url,
            "dbos_system_schema": "modelkeep_jobs",
            "application_version": "1",  # one line of versions: what an older hub left behind is done by this one
            "executor_id": "hub",
            "enable_otlp": False,
            "use_listen_notify": False,
            "sys_db_pool_size": 4,
            "max_executor_threads": self._workers + 4,
            "notification_listener_polling_interval_sec": _STOP_SECONDS,
            "log_level": "WARNING",
        }
        DBOS(config=config)
        for name, handler in self._handlers.items():
            self._workflows[name] = DBOS.workflow(name=name)(_plain(handler))
        scheduled = {
            name: DBOS.workflow(name=f"{name}.scheduled")(_timed(self._handlers[name]))
            for name in self._schedule
        }
        DBOS.launch()
        self._queue = DBOS.register_queue(
            _QUEUE,
            worker_concurrency=self._workers,
            partition_concurrency=1,
            polling_interval_sec=_POLL_SECONDS,
            on_conflict="always_update",
        )
        DBOS.apply_schedules(
            [
                {"schedule_name": name, "workflow_fn": workflow, "schedule": self._schedule[name]}
                for name, workflow in scheduled.items()
            ]
        )

    def enqueue(self, name: str, line: str, *values: object, delay: timedelta = timedelta()) -> None:
        """Adds a job.

        Args:
            name: Which handler.
            line: Jobs of one line run one after the other.
            values: What the handler gets: strings, numbers, lists of them.
            delay: How long to wait before.
        """
        seconds = delay.total_seconds()
        with (
            SetWorkflowID(f"{line}/{uuid.uuid4()}"),
            SetEnqueueOptions(queue_partition_key=line, delay_seconds=seconds if seconds > 0 else None),
        ):
            self._queue.enqueue(self._workflows[name], *values)

    def busy_lines(self) -> set[str]:
        """The lines that have a job, running or waiting."""
        active = DBOS.list_workflows(queue_name=_QUEUE, status=_ACTIVE, load_input=False, load_output=False)
        return {workflow.workflow_id.rpartition("/")[0] for workflow in active}

    def forget(self, older_than: timedelta) -> int:
        """Removes what is kept of jobs that are over; returns their count."""
        before = (datetime.now(UTC) - older_than).isoformat()
        count = 0
        while True:
            over = DBOS.list_workflows(
                status=_OVER, end_time=before, limit=_FORGOTTEN_AT_ONCE, load_input=False, load_output=False
            )
            if not over:
                return count
            DBOS.delete_workflows([workflow.workflow_id for workflow in over])
            count += len(over)

    def stop(self) -> None:
        """Stops at once; a job under way begins anew at the next start."""
        # What is under way finds no engine to report to, which the library takes for an error.
        logging.getLogger("dbos").disabled = True
        DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=0)


def _plain(handler: Handler) -> Callable[..., None]:
    """A function of its own: the library marks what it is given, which methods do not allow."""

    def run(*values: object) -> None:
        handler(*values)

    return run


def _timed(handler: Handler) -> Callable[[datetime, object], None]:
    def run(_at: datetime, _context: object) -> None:
        handler()

    return run


def _quieten() -> None:
    """Sends the library's log to the hub's, from warnings on; its own handler would write lines of another form."""
    log = logging.getLogger("dbos")
    for handler in list(log.handlers):
        log.removeHandler(handler)
    log.addHandler(logging.NullHandler())
    log.propagate = True
    log.disabled = False
