"""Mirrors of a second hub over real HTTP: what is fetched, for whom, and when nobody is asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio import CapacityLimiter

from modelkeep.api.http.limits import Limits
from modelkeep.api.hub.mirrors import Asked, arrived
from modelkeep.blobs.store import BlobStore
from modelkeep.db.engine import open_database
from modelkeep.domain.access import ALL_SCOPES, Actor, Role, Scope, Visibility
from modelkeep.domain.errors import ModelkeepError, NotFound, NotPermitted, Unauthenticated, Unavailable
from modelkeep.domain.gating import Gating
from modelkeep.domain.imports import ImportState
from modelkeep.domain.mirrors import MOST_HOPS, hub_name, via_of
from modelkeep.domain.paging import PageRequest
from modelkeep.domain.repos import Repo
from modelkeep.git.repositories import Repositories
from modelkeep.identity.signing import Signer
from modelkeep.outbound.addresses import Guard
from modelkeep.outbound.hub_client import HubClient
from modelkeep.server.wiring import Hub, build_hub
from modelkeep.services import pulling
from modelkeep.services.accounts import local_administrator
from modelkeep.services.imports import ImportOfRepo
from modelkeep.services.ports import Rules, Stores
from modelkeep.services.pulling import Standing
from modelkeep.services.pushes import Transport
from tests.support.hub import Hub as RunningHub
from tests.support.hub import User
from tests.support.proxy import CuttingProxy
from tests.support.sources import commit_files, tree_of

LOCAL = local_administrator("test")
VIA = "1.1 modelkeep-0000000000000000"


@dataclass
class Upstream:
    """A namespace of another hub, with whoever may read it."""

    hub: RunningHub
    org: str
    user: User

    def repo(self, name: str, kind: str = "", **files: bytes) -> Repo:
        actor = self.hub.actor(self.user.token)
        made = self.hub.services.repos.create(actor, f"{kind}{self.org}", name, empty=True).repo
        self.change(made, **files)
        return made

    def change(self, repo: Repo, **files: bytes) -> str:
        actor = self.hub.actor(self.user.token)
        return commit_files(self.hub.services, self.hub.stores, actor, repo, {**files, "a.txt": b"a"})

    def asked(self, name: str) -> int:
        return len(self.hub.requests_about("GET", f"/{self.org}/{name}"))


@dataclass
class World:
    """A hub with the mirror ``acme``, whose clock the test moves."""

    hub: Hub
    stores: Stores
    upstream: Upstream
    olga: Actor
    carl: Actor
    rita: Actor
    sven: Actor
    clock: list[datetime] = field(default_factory=list)

    def mirror(self, **options: Any) -> None:
        given = {
            "endpoint": self.upstream.hub.url,
            "source": self.upstream.org,
            "token": self.upstream.user.token,
        }
        self.hub.mirrors.set(self.olga, "acme", **{**given, **options})

    def look(self, actor: Actor, name: str, place: str = "acme", revision: str | None = "main") -> Standing:
        return self.hub.pulling.look(actor, place, name, revision)

    def fetch(self, actor: Actor, name: str, place: str = "acme") -> None:
        self.hub.pulling.fetch(actor, place, name, VIA)

    def run_jobs(self) -> int:
        """Does what the engine would do now; gives the count."""
        ready = list(self.hub.imports.due())
        for import_id in ready:
            self.hub.imports.job_made(import_id)
            self.hub.import_runs.run(import_id)
            self.hub.pulling.settle(import_id)
        return len(ready)

    def pull(self, name: str) -> ImportOfRepo:
        """Fetches a repo, and waits for its end."""
        self.fetch(self.carl, name)
        assert self.run_jobs() == 1
        return self.hub.imports.list(self.olga, PageRequest(), repo=("acme", name)).items[0]

    def repos(self) -> list[str]:
        return [
            repo.address for repo in self.hub.repos.list(self.olga, PageRequest(), namespace="acme").items
        ]


@pytest.fixture
def world(tmp_path: Path, hub: RunningHub) -> Iterator[World]:
    clock = [datetime.now(UTC)]
    database = open_database(f"sqlite:///{tmp_path / 'hub.db'}")
    database.migrate()
    stores = Stores(
        database,
        Repositories(tmp_path / "repos"),
        BlobStore.open(tmp_path / "blobs"),
        Signer(b"k" * 32),
        now=lambda: clock[0],
    )
    client = HubClient(Guard(["127.0.0.0/8"]), idle_seconds=20)
    services = build_hub(
        stores, Rules(import_pauses=(0.01,)), Transport(tmp_path / "hooks"), hub_client=client
    )
    for name in ("olga", "carl", "rita", "sven"):
        services.accounts.create(LOCAL, name=name, password=None)
    members = [("olga", Role.OWNER), ("carl", Role.CONTRIBUTOR), ("rita", Role.READER)]
    services.organisations.create(LOCAL, "acme", members=members)
    user = hub.user("up")
    olga, carl, rita, sven = (_actor(services, name) for name in ("olga", "carl", "rita", "sven"))
    upstream = Upstream(hub, hub.org((user, Role.OWNER)), user)
    made = World(services, stores, upstream, olga, carl, rita, sven, clock)
    made.mirror()
    yield made
    database.close()


def _actor(services: Hub, name: str, *scopes: Scope) -> Actor:
    _, secret = services.tokens.create(
        LOCAL, user=name, name="t", scopes=frozenset(scopes) or ALL_SCOPES, limits=(), expires_at=None
    )
    return services.authentication.by_token(secret, "", "test")


def test_what_is_asked_for_comes_with_its_origin_in_the_name_of_whoever_set_the_mirror(world: World) -> None:
    repo = world.upstream.repo("bert", config=b"{}")
    assert world.look(world.carl, "bert") is Standing.ABSENT
    world.fetch(world.carl, "bert")
    assert world.look(world.carl, "bert") is Standing.COMING
    assert world.look(world.rita, "bert") is Standing.COMING, "for who may read it"
    world.run_jobs()
    assert world.look(world.carl, "BERT") is Standing.HERE
    (found,) = world.hub.imports.list(world.olga, PageRequest(), repo=("acme", "bert")).items
    assert (found.value.state, found.value.created_by) == (ImportState.DONE, "olga")
    assert found.repo.visibility is Visibility.PRIVATE, "it came by a token"
    tree = tree_of(world.stores, found.repo.id, found.value.result_commit or "")
    assert tree == tree_of(world.upstream.hub.stores, repo.id, found.value.imported_commit or "")
    (entry,) = world.hub.audit_log.entries(LOCAL, PageRequest(), action="mirror.fetch").items
    assert (entry.username, entry.target) == ("carl", "acme/bert")


def test_datasets_and_files_that_are_not_wanted_do_not_come(world: World) -> None:
    world.upstream.repo("rows", "datasets/", table=b"1,2")
    world.mirror(kinds=["model"])
    assert world.look(world.carl, "rows", "datasets/acme") is Standing.HERE
    world.mirror(exclude=["table"])
    assert world.look(world.carl, "rows", "datasets/acme") is Standing.ABSENT
    world.fetch(world.carl, "rows", "datasets/acme")
    world.run_jobs()
    assert world.repos() == ["datasets/acme/rows"]
    (found,) = world.hub.imports.list(world.olga, PageRequest()).items
    assert [path for path, _, _ in tree_of(world.stores, found.repo.id, found.value.result_commit or "")] == [
        "a.txt"
    ]


def test_a_call_waits_for_what_comes_soon_and_is_sent_away_where_it_is_delayed(world: World) -> None:
    def ask(name: str) -> None:
        async def run() -> None:
            asked = Asked(world.carl, "acme", name, "main", "")
            await arrived(world.hub, Limits(), CapacityLimiter(1), asked)

        anyio.run(run)

    world.upstream.repo("bert")
    world.upstream.repo("late")
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(ask, "bert") for _ in range(2)]
        while not world.run_jobs() and not waiting[0].done():
            time.sleep(0.01)
        for one in waiting:
            one.result(30)
    assert world.repos() == ["acme/bert"]
    with CuttingProxy(int(world.upstream.hub.url.rsplit(":", 1)[1]), cuts_answers=True) as proxy:
        world.mirror(endpoint=proxy.url)
        world.fetch(world.carl, "late")
    world.run_jobs()
    with pytest.raises(Unavailable, match="is being fetched") as refused:
        ask("late")
    assert refused.value.fields["retry_after"] == 5
    ask("bert")


def test_strangers_and_readers_have_nothing_fetched_and_nobody_is_asked(world: World) -> None:
    world.upstream.repo("bert")
    nobody = world.hub.authentication.anonymous("", "test")
    reading = _actor(world.hub, "carl", Scope.READ)
    for actor in (world.rita, world.sven, nobody, reading):
        assert world.look(actor, "bert") is world.look(actor, "absent") is Standing.HERE
        with pytest.raises((NotFound, NotPermitted, Unauthenticated)):
            world.fetch(actor, "bert")
    assert world.upstream.asked("bert") == 0
    assert world.repos() == []


@pytest.mark.parametrize("name", ["absent", "gated"])
def test_what_the_source_does_not_give_leaves_no_repo_and_is_remembered(world: World, name: str) -> None:
    upstream = world.upstream
    repo = upstream.repo("gated")
    upstream.hub.services.gating.configure(upstream.hub.local, upstream.org, "gated", Gating.MANUAL)
    stranger = upstream.hub.user("stranger")
    upstream.hub.services.repos.update(
        upstream.hub.local, upstream.org, repo.name, visibility=Visibility.PUBLIC
    )
    world.mirror(token=stranger.token)
    world.fetch(world.carl, name)
    asked = upstream.asked(name)
    assert asked > 0
    assert world.look(world.carl, name) is Standing.HERE
    assert world.repos() == []
    world.clock[0] += timedelta(seconds=1)
    world.mirror(token=upstream.user.token)
    assert world.look(world.carl, name) is Standing.ABSENT, "a new mirror has a new memory"
    assert upstream.asked(name) == asked


def test_a_source_that_is_away_says_so_for_new_repos_and_harms_no_old_ones(world: World) -> None:
    world.upstream.repo("bert")
    world.pull("bert")
    world.mirror(endpoint="http://127.0.0.1:1")
    for _ in range(2):
        with pytest.raises(Unavailable) as refused:
            world.fetch(world.carl, "other")
        assert refused.value.code == "source_unavailable"
        assert refused.value.fields["retry_after"] == 10
    assert world.look(world.carl, "bert") is Standing.HERE
    assert world.repos() == ["acme/bert"]


def test_it_is_compared_when_a_branch_is_asked_for_and_it_is_no_longer_fresh(world: World) -> None:
    repo = world.upstream.repo("bert")
    first = world.pull("bert").value
    assert world.look(world.rita, "bert") is Standing.HERE
    world.clock[0] += timedelta(seconds=601)
    assert world.look(world.rita, "bert", revision=first.result_commit) is Standing.HERE
    assert world.look(world.rita, "bert", revision=None) is Standing.STALE
    commit = world.upstream.change(repo, more=b"more")
    world.hub.pulling.refresh("acme", "bert")
    assert world.look(world.rita, "bert") is Standing.HERE, "at most one at a time"
    world.hub.pulling.refresh("acme", "bert")
    assert world.run_jobs() == 1
    again = world.hub.imports.get(world.olga, first.id).value
    assert (again.imported_commit, again.state) == (commit, ImportState.DONE)
    assert world.look(world.rita, "bert") is Standing.HERE
    world.hub.imports.cancel(world.olga, first.id)
    world.clock[0] += timedelta(days=9)
    assert world.look(world.rita, "bert") is Standing.STALE, (
        "done is not under way: there was nothing to cancel"
    )
    world.hub.mirrors.remove(world.olga, "acme")
    assert world.look(world.rita, "bert") is Standing.HERE


def test_updates_pass_to_whoever_sets_the_mirror_anew(world: World) -> None:
    world.upstream.repo("bert")
    found = world.pull("bert").value
    world.hub.organisations.set_member(world.olga, "acme", "carl", Role.OWNER)
    world.hub.mirrors.set(world.carl, "acme", endpoint=world.upstream.hub.url, source=world.upstream.org)
    assert world.hub.mirrors.get(world.rita, "acme").value.has_token, "kept for the same source"
    world.clock[0] += timedelta(hours=1)
    world.hub.pulling.refresh("acme", "bert")
    world.hub.accounts.update(LOCAL, "olga", is_disabled=True)
    world.run_jobs()
    again = world.hub.imports.get(world.carl, found.id).value
    assert (again.created_by, again.state, again.error) == ("carl", ImportState.DONE, None)


def test_a_mirror_whose_setter_has_left_says_what_to_do(world: World) -> None:
    world.upstream.repo("bert")
    world.hub.accounts.update(LOCAL, "olga", is_disabled=True)
    with pytest.raises(NotPermitted) as refused:
        world.fetch(world.carl, "bert")
    assert refused.value.code == "mirror_without_user"
    assert world.repos() == []


def test_a_first_import_that_fails_leaves_no_repo(world: World) -> None:
    world.upstream.repo("bert")
    world.fetch(world.carl, "bert")
    world.hub.accounts.update(LOCAL, "olga", is_disabled=True)
    world.run_jobs()
    assert world.repos() == []
    assert world.look(world.carl, "bert") is Standing.HERE
    assert world.hub.repos.restore(LOCAL, "acme", "bert").repo.name == "bert"


def test_only_so_many_wait_for_their_first_import(world: World) -> None:
    for number in range(pulling.MOST_WAITING + 1):
        world.upstream.repo(f"r{number}")
    for number in range(pulling.MOST_WAITING):
        world.fetch(world.carl, f"r{number}")
    with pytest.raises(Unavailable) as refused:
        world.fetch(world.carl, f"r{pulling.MOST_WAITING}")
    assert refused.value.code == "mirror_busy"
    while world.run_jobs():
        pass
    world.fetch(world.carl, f"r{pulling.MOST_WAITING}")


def test_a_repo_that_a_crash_left_without_its_import_is_filled(world: World) -> None:
    world.upstream.repo("bert")
    world.hub.repos.create(world.olga, "acme", "bert", empty=True)
    assert world.look(world.rita, "bert") is Standing.HERE
    assert world.look(world.carl, "bert") is Standing.ABSENT
    world.pull("bert")
    world.hub.repos.create(world.olga, "acme", "own")
    assert world.look(world.carl, "own") is Standing.HERE


def test_loops_end_and_chains_do_not(world: World) -> None:
    own, names = world.hub.pulling.name, [hub_name(bytes([n]) * 32) for n in range(5)]
    assert via_of("", own) == f"1.1 {own}"
    assert via_of(f"1.1 proxy, 1.1 {names[0]}", own) == f"1.1 {names[0]}, 1.1 {own}"
    assert via_of(f"1.1 {names[0]}, 1.1 {own}", own) is None
    assert via_of(", ".join(f"1.1 {name}" for name in names[:MOST_HOPS]), own) is None


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"endpoint": "http://10.0.0.1"}, "source_forbidden"),
        ({"endpoint": "https://a:b@hub.example.org"}, "invalid_url"),
        ({"source": "a/b"}, "invalid_source"),
        ({"source": ".."}, "invalid_source"),
        ({"fresh_for": 1}, "invalid_freshness"),
        ({"kinds": ["space"]}, "invalid_repo_type"),
        ({"include": [""]}, "invalid_pattern"),
        ({"token": "two words"}, "invalid_source_token"),
    ],
)
def test_what_cannot_be_is_refused(world: World, options: dict[str, Any], code: str) -> None:
    with pytest.raises(ModelkeepError) as refused:
        world.mirror(**options)
    assert refused.value.code == code


def test_only_owners_set_mirrors_and_members_see_them(world: World) -> None:
    def set_it(actor: Actor) -> None:
        world.hub.mirrors.set(actor, "acme", endpoint="https://hub.example.org")

    def remove_it(actor: Actor) -> None:
        world.hub.mirrors.remove(actor, "acme")

    changes: tuple[Callable[[Actor], None], ...] = (set_it, remove_it)
    for change in changes:
        with pytest.raises(NotPermitted):
            change(world.carl)
        with pytest.raises(NotFound, match="do not belong"):
            change(world.sven)
    assert world.hub.mirrors.get(world.rita, "acme").value.source == world.upstream.org
    with pytest.raises(NotFound, match="do not belong"):
        world.hub.mirrors.get(world.sven, "acme")
    set_it(world.olga)
    assert not world.hub.mirrors.get(world.rita, "acme").value.has_token, "it opens no other source"
    assert world.hub.mirrors.names() is None
    assert world.hub.mirrors.read_names() == {"acme"}
    assert world.hub.mirrors.names() == frozenset({"acme"})
    remove_it(world.olga)
    assert world.hub.mirrors.read_names() == set()
    with pytest.raises(NotFound, match="no mirror"):
        remove_it(world.olga)
