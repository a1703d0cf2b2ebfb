"""Who reads the content of gated repos: the database's condition and the services' rule agree; rows of requests."""

from __future__ import annotations

import itertools
from datetime import datetime

import pytest

from modelkeep.db import access_requests, blobs, discussions, namespaces, repos
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Actor, Role, Visibility, anonymous
from modelkeep.domain.accounts import User
from modelkeep.domain.discussions import DiscussionEventKind, DiscussionStatus, Edit
from modelkeep.domain.errors import ModelkeepError
from modelkeep.domain.gating import AccessStatus, Gating
from modelkeep.domain.paging import PageRequest, decode_cursor
from modelkeep.domain.repos import Repo
from modelkeep.services.access import find_repo_by_id
from tests.contract.db.world import World, actor_of

STATUSES: list[AccessStatus | None] = [None, *AccessStatus]


def _ask(tx: Transaction, repo: Repo, user: User, status: AccessStatus, now: datetime) -> None:
    access_requests.put_request(
        tx, repo.id, user.id, status, fields={"why": "\0"}, is_granted=False, decided_by=None, now=now
    )


@pytest.fixture
def hub(tx: Transaction, world: World, now: datetime) -> list[Repo]:
    """A repo of every visibility, gated and open, in an organisation; each with a blob of its own."""
    acme, found = world.organisation("acme"), []
    for visibility, gated in itertools.product(Visibility, [None, *Gating]):
        repo = world.repo(acme, f"{visibility}-{gated or 'open'}", visibility)
        found.append(repos.update_repo(tx, repo.id, gated=gated))
        blobs.record_blob_and_link(tx, repo.id * 2, 1, repo.id, None, now)
    return found


def _reads(tx: Transaction, actor: Actor, repo: Repo) -> bool:
    try:
        return find_repo_by_id(tx, actor, repo.id).may_read_content
    except ModelkeepError:
        return False


def _check(tx: Transaction, actor: Actor, hub: list[Repo]) -> set[str]:
    readable = set(blobs.readable(tx, actor, "0" * 32, [repo.id * 2 for repo in hub]))
    assert readable == {repo.id * 2 for repo in hub if _reads(tx, actor, repo)}
    return {repo.name for repo in hub if repo.id * 2 in readable}


@pytest.mark.parametrize("limits", [(), ("acme",), ("bob",), ("acme/public-manual",)])
@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("role", [None, Role.READER, Role.OWNER])
def test_the_database_says_what_the_services_say(
    tx: Transaction,
    world: World,
    hub: list[Repo],
    now: datetime,
    role: Role | None,
    status: AccessStatus | None,
    limits: tuple[str, ...],
) -> None:
    bob, acme = world.user("bob"), namespaces.namespace_by_name(tx, "acme")
    assert acme is not None
    if role is not None:
        namespaces.set_member(tx, acme.id, bob.id, role)
    if status is not None:
        for repo in hub:
            _ask(tx, repo, bob, status, now)
    found = _check(tx, actor_of(bob, limits), hub)
    is_let_in = role is not None or status is AccessStatus.ACCEPTED
    assert ("public-manual" in found) == (is_let_in and limits != ("bob",))
    assert "public-open" in found
    assert ("private-manual" in found) == (role is not None and limits in ((), ("acme",)))


def test_nobody_and_administrators(tx: Transaction, world: World, hub: list[Repo]) -> None:
    assert _check(tx, anonymous(), hub) == {"public-open"}
    assert len(_check(tx, actor_of(world.user("root", is_hub_admin=True)), hub)) == len(hub)


def test_requests_have_one_row_per_user(
    tx: Transaction, world: World, hub: list[Repo], now: datetime
) -> None:
    repo, users = hub[0], [world.user(f"user{number}") for number in range(5)]
    for user in users:
        _ask(tx, repo, user, AccessStatus.PENDING, now)
    _ask(tx, repo, users[0], AccessStatus.PENDING, now)
    first = access_requests.list_requests(tx, repo.id, AccessStatus.PENDING, PageRequest(3))
    assert first.next_cursor is not None
    after = decode_cursor(first.next_cursor)
    rest = access_requests.list_requests(tx, repo.id, AccessStatus.PENDING, PageRequest(3, after))
    assert [one.username for one in (*first.items, *rest.items)] == [user.name for user in users]
    made = access_requests.request_of(tx, repo.id, users[1].id)
    assert made is not None
    access_requests.decide(tx, made.id, AccessStatus.REJECTED, "olga", "no\0", now)
    decided = access_requests.request_by_id(tx, repo.id, made.id)
    assert decided is not None
    assert (decided.status, decided.reason, decided.decided_by) == (AccessStatus.REJECTED, "no\ufffd", "olga")
    assert access_requests.request_by_id(tx, hub[1].id, made.id) is None
    assert not access_requests.is_accepted(tx, repo.id, users[1].id)


def test_discussions_are_numbered_and_kept_in_order(
    tx: Transaction, world: World, hub: list[Repo], now: datetime
) -> None:
    repo, bob = hub[0], world.user("bob")
    for number in range(1, 4):
        discussions.add_discussion(
            tx,
            repo_id=repo.id,
            number=number,
            title=f"number {number}",
            status=DiscussionStatus.DRAFT if number == 2 else DiscussionStatus.OPEN,
            author_id=bob.id,
            author=bob.name,
            target="main" if number == 2 else None,
            base_commit="c" * 40 if number == 2 else None,
            now=now,
        )
    assert discussions.last_number(tx, repo.id) == 3
    assert discussions.last_number(tx, hub[1].id) == 0
    listed, count = discussions.list_discussions(tx, repo.id, author="BOB", limit=2)
    assert ([one.number for one in listed], count) == ([3, 2], 3)
    pulls, _ = discussions.list_discussions(tx, repo.id, is_pull_request=True, is_live=True)
    assert [one.ref for one in pulls] == ["refs/pr/2"]
    assert discussions.has_live_pull_request(tx, repo.id, bob.id)
    discussions.change_discussion(tx, pulls[0].id, status="closed")
    assert not discussions.has_live_pull_request(tx, repo.id, bob.id)
    event = discussions.add_event(
        tx, pulls[0].id, DiscussionEventKind.COMMENT, user_id=bob.id, username="bob", content="a\0", now=now
    )
    discussions.reword(tx, event, "b", Edit("bob", now), is_hidden=False)
    found = discussions.events_of(tx, pulls[0].id)
    assert [(one.content, one.edits) for one in found] == [("b", (Edit("bob", now),))]
    assert discussions.event_of(tx, listed[0].id, event.id) is None
    discussions.remove_discussion(tx, pulls[0].id)
    assert discussions.discussion_of(tx, repo.id, 2) is None
    assert discussions.events_of(tx, pulls[0].id) == []
