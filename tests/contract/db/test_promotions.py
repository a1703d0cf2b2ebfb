"""Promotion requests, reviews, checks and the policies of organisations, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from modelkeep.db import policies, promotions, repos, version_checks
from modelkeep.db.engine import Database
from modelkeep.domain.access import Role, Visibility
from modelkeep.domain.errors import AlreadyExists
from modelkeep.domain.paging import PageRequest, decode_cursor
from modelkeep.domain.promotions import CheckVerdict, RequestState, ReviewVerdict, VersionCheck
from tests.contract.db.world import World, actor_of

COMMIT = "a" * 40


def propose(world: World, repo_id: str, user_id: int, **changed: object) -> int:
    values: dict[str, Any] = {
        "artifact": "churn",
        "version": "v1.0.0",
        "commit": COMMIT,
        "stage": "prod",
        "proposer": "ana",
        "message": "please\0",
        "policy_digest": "sha256:x",
        "previous": None,
    }
    return promotions.add_request(
        world.tx, repo_id=repo_id, proposer_id=user_id, now=world.now, **(values | changed)
    )


def test_requests_are_numbered_within_their_repo(world: World) -> None:
    ana = world.user("ana")
    org = world.organisation("acme", ana=Role.MAINTAINER)
    one, other = world.repo(org, "one"), world.repo(org, "other")
    assert [propose(world, one.id, ana.id, version=v, commit=v * 20) for v in ("v1", "v2")] == [1, 2]
    assert propose(world, other.id, ana.id) == 1
    found = promotions.request_of(world.tx, other.id, 1)
    assert found is not None
    assert (found.repo, found.state, found.message, found.reviews) == (
        "acme/other",
        RequestState.OPEN,
        "please\ufffd",
        (),
    )
    assert promotions.request_of(world.tx, other.id, 2) is None


def test_the_same_is_requested_once_at_a_time(world: World) -> None:
    ana = world.user("ana")
    repo = world.repo(ana, "one")
    propose(world, repo.id, ana.id)
    with pytest.raises(AlreadyExists):
        propose(world, repo.id, ana.id)
    (live,) = promotions.live_requests(world.tx, repo.id)
    promotions.set_state(world.tx, live.id, RequestState.APPROVED, world.now)
    with pytest.raises(AlreadyExists):
        propose(world, repo.id, ana.id)
    promotions.set_state(world.tx, live.id, RequestState.COMPLETED, world.now, tag="churn#prod#1")
    assert propose(world, repo.id, ana.id) == 2
    # What has ended stays ended.
    promotions.set_state(world.tx, live.id, RequestState.OPEN, world.now)
    done = promotions.request_of(world.tx, repo.id, 1)
    assert done is not None
    assert (done.state, done.tag, done.closed_at) == (RequestState.COMPLETED, "churn#prod#1", world.now)


def test_the_last_word_of_each_reviewer_is_kept(world: World) -> None:
    ana, bob = world.user("ana"), world.user("bob")
    repo = world.repo(ana, "one")
    propose(world, repo.id, ana.id)
    (live,) = promotions.live_requests(world.tx, repo.id)
    words = [(bob, ReviewVerdict.REJECT), (ana, ReviewVerdict.APPROVE), (bob, ReviewVerdict.APPROVE)]
    for minutes, (user, verdict) in enumerate(words):
        when = world.now + timedelta(minutes=minutes)
        promotions.set_review(world.tx, live.id, user.id, user.name, verdict, f"word {minutes}", when)
    (live,) = promotions.live_requests(world.tx, repo.id, "churn", "prod")
    assert [(r.username, r.verdict, r.comment) for r in live.reviews] == [
        ("ana", ReviewVerdict.APPROVE, "word 1"),
        ("bob", ReviewVerdict.APPROVE, "word 2"),
    ]
    # Her own does not count.
    assert [r.username for r in live.approved_by] == ["bob"]
    assert promotions.live_requests(world.tx, repo.id, "spam") == []


def test_lists_hold_what_one_may_read(world: World) -> None:
    ana, bob = world.user("ana"), world.user("bob")
    org = world.organisation("acme", ana=Role.MAINTAINER)
    secret, public = world.repo(org, "secret"), world.repo(org, "public")
    repos.update_repo(world.tx, public.id, visibility=Visibility.PUBLIC)
    for repo in (secret, public):
        for number in range(3):
            propose(world, repo.id, ana.id, commit=f"{number:040d}", version=f"v{number}")

    def listed(user: object, page: PageRequest, **filters: object) -> list[tuple[str, int]]:
        actor = actor_of(user)  # type: ignore[arg-type]
        found = promotions.list_requests(world.tx, actor, page, **filters)  # type: ignore[arg-type]
        return [(one.repo, one.number) for one in found.items]

    everything = PageRequest(100)
    assert listed(bob, everything) == [("acme/public", 3), ("acme/public", 2), ("acme/public", 1)]
    assert len(listed(ana, everything)) == 6
    assert listed(ana, everything, not_proposer_id=ana.id) == []
    assert len(listed(bob, everything, proposer_id=ana.id)) == 3
    assert listed(ana, everything, repo_id=secret.id, states=[RequestState.COMPLETED]) == []
    page = promotions.list_requests(world.tx, actor_of(ana), PageRequest(4))
    assert page.next_cursor is not None
    rest = listed(ana, PageRequest(4, decode_cursor(page.next_cursor)))
    assert [(one.repo, one.number) for one in page.items] + rest == listed(ana, everything)


def test_which_repos_of_a_namespace_wait_for_something(world: World) -> None:
    ana = world.user("ana")
    org = world.organisation("acme")
    one, _, other = world.repo(org, "one"), world.repo(org, "idle"), world.repo(org, "other")
    for repo in (one, other):
        propose(world, repo.id, ana.id)
    (live,) = promotions.live_requests(world.tx, other.id)
    promotions.set_state(world.tx, live.id, RequestState.WITHDRAWN, world.now, reason="changed")
    assert promotions.repos_with_live_requests(world.tx, org.id) == [one.id]


def test_of_a_check_the_last_word_of_each_user_counts(world: World) -> None:
    ana, bob = world.user("ana"), world.user("bob")
    repo = world.repo(ana, "one")
    first = VersionCheck(
        "churn", COMMIT, "scan", CheckVerdict.FAILED, "bad\0", None, ana.id, "ana", world.now
    )
    rows = [
        first,
        replace(first, verdict=CheckVerdict.PENDING, user_id=bob.id, username="bob"),
        replace(first, verdict=CheckVerdict.PASSED, summary="good"),
        replace(first, name="other"),
        replace(first, artifact="spam"),
        replace(first, commit="b" * 40),
    ]
    for row in rows:
        version_checks.add_check(world.tx, repo.id, row)
    verdicts = version_checks.verdicts_of(world.tx, repo.id, "churn", COMMIT, "scan")
    assert [(one.username, one.verdict) for one in verdicts] == [
        ("ana", CheckVerdict.PASSED),
        ("bob", CheckVerdict.PENDING),
    ]
    found = version_checks.checks_of(world.tx, repo.id, "churn", COMMIT)
    assert [(one.name, one.summary) for one in found] == [
        ("other", "bad\ufffd"),
        ("scan", "good"),
        ("scan", "bad\ufffd"),
        ("scan", "bad\ufffd"),
    ]
    assert len(version_checks.checks_of(world.tx, repo.id, "churn", COMMIT, "scan")) == 3


def test_the_policy_of_an_organisation(world: World) -> None:
    org = world.organisation("acme")
    assert policies.policy_text(world.tx, org.id) is None
    for text in ("version: 1\n", "version: 1\nordered: true\n"):
        policies.set_policy_text(world.tx, org.id, text, "ana", world.now)
        assert policies.policy_text(world.tx, org.id) == text
    assert policies.remove_policy_text(world.tx, org.id) is True
    assert policies.remove_policy_text(world.tx, org.id) is False


def test_a_purged_repo_leaves_nothing(database: Database, now: datetime) -> None:
    with database.write() as tx:
        world = World(tx, now)
        ana = world.user("ana")
        repo = world.repo(ana, "one")
        propose(world, repo.id, ana.id)
        (live,) = promotions.live_requests(tx, repo.id)
        promotions.set_review(tx, live.id, ana.id, "ana", ReviewVerdict.APPROVE, "", now)
        check = VersionCheck("churn", COMMIT, "scan", CheckVerdict.PASSED, "", None, ana.id, "ana", now)
        version_checks.add_check(tx, repo.id, check)
        repos.purge_repo(tx, repo.id)
        assert promotions.live_requests(tx, repo.id) == []
        assert version_checks.checks_of(tx, repo.id, "churn", COMMIT) == []
