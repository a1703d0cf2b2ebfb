"""Calls for a repo of a mirror that is not here yet: it is fetched, and those who asked for it wait a little."""

from __future__ import annotations

from dataclasses import dataclass

from anyio import CapacityLimiter, WouldBlock, current_time, sleep

from modelkeep.api.http.limits import Limits
from modelkeep.api.hub.services import HubServices
from modelkeep.domain.access import Actor
from modelkeep.domain.errors import Unavailable
from modelkeep.domain.mirrors import via_of
from modelkeep.domain.names import fold
from modelkeep.services.pulling import Standing

WAIT_SECONDS = 8.0
"""How long a call waits for a repo to come: clients give up after 10."""

_LOOK_EVERY = 0.2
_RETRY_AFTER = 5


@dataclass(frozen=True, slots=True)
class Asked:
    """What a call asks for.

    Attributes:
        actor: Who asks.
        namespace: As services take it: ``datasets/acme`` for a dataset.
        repo: Its name.
        revision: None for the default branch.
        via: The header of that name, empty without one.
    """

    actor: Actor
    namespace: str
    repo: str
    revision: str | None
    via: str


async def arrived(services: HubServices, limits: Limits, asking: CapacityLimiter, asked: Asked) -> None:
    """Returns when a call can be answered from what is here, which may be that there is no such repo.

    It holds no thread while it waits; ``asking`` says how many may hold one for another hub's answer.

    Raises:
        Unavailable: The repo is being fetched, or its source does not answer; ``retry_after`` says when to come again.
    """
    names = services.mirrors.names()
    if names is None:
        names = await limits.run_sql(services.mirrors.read_names)
    if fold(asked.namespace.rpartition("/")[2]) not in names:
        return
    pulling = services.pulling
    via = via_of(asked.via, pulling.name)
    if via is None:
        return
    until = current_time() + WAIT_SECONDS
    while True:
        standing = await limits.run_sql(
            pulling.look, asked.actor, asked.namespace, asked.repo, asked.revision
        )
        if standing is Standing.STALE:
            await limits.run_sql(pulling.refresh, asked.namespace, asked.repo)
        if standing in (Standing.HERE, Standing.STALE):
            return
        if standing is Standing.DELAYED or current_time() > until:
            raise Unavailable(
                f"{asked.namespace}/{asked.repo} is being fetched from another hub; try again in a few seconds.",
                code="being_fetched",
                retry_after=_RETRY_AFTER,
            )
        if standing is Standing.ABSENT:
            await _fetch(services, limits, asking, asked, via)
        await sleep(_LOOK_EVERY)


async def _fetch(
    services: HubServices, limits: Limits, asking: CapacityLimiter, asked: Asked, via: str
) -> None:
    borrower = object()
    try:
        asking.acquire_on_behalf_of_nowait(borrower)
    except WouldBlock:
        return  # others ask; there will be room soon
    try:
        await limits.run_blob(services.pulling.fetch, asked.actor, asked.namespace, asked.repo, via)
    finally:
        asking.release_on_behalf_of(borrower)
