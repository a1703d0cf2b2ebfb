"""A page of the registry in a large hub and in a small one: what the size of the hub costs a reader."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from urllib.parse import urlencode

from benchmarks.measure import Comparison, Result, Side, alternate, timed
from benchmarks.workshop import HubUnderTest, Workshop
from modelkeep.db import namespaces, registry, repos
from modelkeep.db.engine import Database, open_database
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Role, Scope, Visibility
from modelkeep.domain.artifacts import Annotation, AnnotationSet
from modelkeep.domain.events import Event, event_of
from modelkeep.domain.objects import Signature
from modelkeep.domain.repos import RepoKind
from modelkeep.domain.tag_grammar import parse_tag
from modelkeep.server.wiring import open_hub
from modelkeep.services.accounts import local_administrator
from modelkeep.settings import Settings

AIM = 3.0
SMALL = 10
ARTIFACTS = 10
VERSIONS = 10
PER_ORGANISATION = 100
_BATCH = 50
_START = 1_700_000_000
_VISIBILITIES = (Visibility.PUBLIC, Visibility.PRIVATE, Visibility.SHARED)

READERS = ("anybody", "member", "administrator")
QUERIES: dict[str, dict[str, str]] = {
    "by name": {},
    "by update": {"sort": "-updated"},
    "by versions": {"sort": "-versions"},
    "by latest version": {"sort": "-latest"},
    "of an organisation": {"namespace": "org-000", "sort": "-updated"},
    "in a stage": {"stage": "prod", "sort": "-updated"},
    "in a rare stage": {"stage": "canary"},
    "with a label": {"label": "tabular", "sort": "-updated"},
    "with a rare label": {"label": "audited", "sort": "-updated"},
    "of a type": {"type": "dataset"},
    "with a word": {"query": "forest"},
}
_NOWHERE = {"query": "nowhere to be found"}


@dataclass(frozen=True)
class _Filled:
    """A hub with a registry of some size, and the token of each reader."""

    hub: HubUnderTest
    tokens: dict[str, str | None]


def run(shop: Workshop) -> list[Result]:
    """Of each reader the question whose answer grows most with the hub, and text that is nowhere."""
    count = shop.sizes.registry_repos
    with _filled(shop, count) as large, _filled(shop, SMALL) as small:
        name = f"about {count * ARTIFACTS * VERSIONS} versions in {count} repos"
        found: list[Result] = []
        for reader in READERS:
            asked = {what: (_path(query), _path(query)) for what, query in QUERIES.items()}
            asked["far down"] = (_far_down(large, reader), _far_down(small, reader))
            answers = []
            for what, (in_large, in_small) in asked.items():
                sides = {"large": _page(large, reader, in_large), "small": _page(small, reader, in_small)}
                title = f"page {what} ({reader}; worst of {len(asked)}), {name}"
                answers.append(_compare(shop, title, sides, AIM))
            found.append(max(answers, key=lambda answer: answer.ratio))
            nowhere = {
                "large": _page(large, reader, _path(_NOWHERE)),
                "small": _page(small, reader, _path(_NOWHERE)),
            }
            found.append(_compare(shop, f"page of text that is nowhere ({reader}), {name}", nowhere, None))
    return found


def _compare(shop: Workshop, title: str, sides: dict[str, Side], aim: float | None) -> Comparison:
    times = alternate(sides, shop.sizes.page_rounds, warm_ups=3)
    peer = f"about {SMALL * ARTIFACTS * VERSIONS} versions in {SMALL}"
    return Comparison(title, peer, times["large"], times["small"], "time", aim)


def _path(query: dict[str, str]) -> str:
    return f"/api/v1/registry?{urlencode(query)}"


def _far_down(filled: _Filled, reader: str) -> str:
    """The page after the first half of all, or after the first row of a small registry."""
    query, pages = {"sort": "-updated", "limit": "1000"}, 20
    for _ in range(pages):
        answer = filled.hub.get(_path(query), filled.tokens[reader])
        if answer["next_cursor"] is None:
            return _path({"sort": "-updated"})
        query["cursor"] = answer["next_cursor"]
    return _path({"sort": "-updated", "cursor": query["cursor"]})


def _page(filled: _Filled, reader: str, path: str) -> Side:
    def side(_: int) -> float:
        with timed(settle=False) as watch:
            filled.hub.get(path, filled.tokens[reader])
        return watch.seconds

    return side


@contextmanager
def _filled(shop: Workshop, count: int) -> Iterator[_Filled]:
    """A running hub with so many repos; the rows are the index's own, of tags that are in no repository."""
    with ExitStack() as stack:
        hub = stack.enter_context(shop.hub())
        with open_hub(Settings.load(data=hub.data)) as services:
            root = local_administrator()
            services.accounts.create(root, name="member")
            scopes = [Scope.READ]
            _, secret = services.tokens.create(root, name="bench", scopes=scopes, user="member")
        database = open_database(f"sqlite:///{hub.data / 'modelkeep.db'}")
        stack.callback(database.close)
        _fill(database, count)
        yield _Filled(hub, {"anybody": None, "member": secret, "administrator": hub.token})


def _fill(database: Database, count: int) -> None:
    random = Random(1)
    for first in range(0, count, _BATCH):
        with database.write() as tx:
            for number in range(first, min(count, first + _BATCH)):
                _add_repo(tx, number, _organisation(tx, number), random)


def _organisation(tx: Transaction, number: int) -> int:
    """Every tenth has the member."""
    name = f"org-{number // PER_ORGANISATION:03}"
    known = namespaces.namespace_by_name(tx, name)
    if known is not None:
        return known.id
    made = namespaces.create_organisation(
        tx,
        name=name,
        full_name="",
        default_visibility=Visibility.PRIVATE,
        created_by=None,
        now=datetime.now(UTC),
    )
    member = namespaces.namespace_by_name(tx, "member")
    if member is not None and number // PER_ORGANISATION % 10 == 0:
        namespaces.set_member(tx, made.id, member.id, Role.READER)
    return made.id


def _add_repo(tx: Transaction, number: int, namespace_id: int, random: Random) -> None:
    repo_id = f"{random.getrandbits(128):032x}"
    repos.create_repo(
        tx,
        repo_id=repo_id,
        namespace_id=namespace_id,
        name=f"repo-{number:05}",
        kind=RepoKind.MODEL,
        description="",
        visibility=random.choices(_VISIBILITIES, (3, 6, 1))[0],
        default_branch="main",
        now=datetime.now(UTC),
    )
    names = [f"{random.choice(('forest', 'net', 'boost'))}-{place}" for place in range(ARTIFACTS)]
    events = [event for name in names for event in _events(name, random)]
    said = AnnotationSet({name: _annotation(name, random) for name in names})
    registry.replace_index(tx, repo_id, events=events, problems=[], annotations=said)


def _events(artifact: str, random: Random) -> Iterator[Event]:
    at = _START + random.randrange(10**8)
    for number in range(random.randrange(1, 2 * VERSIONS)):
        yield _event(f"{artifact}@v0.{number}.0", f"{number:040x}", at + number)
    for stage, chance in (("prod", 0.5), ("canary", 0.001)):
        if random.random() < chance:
            yield _event(f"{artifact}#{stage}#1", f"{0:040x}", at + 100)


def _event(tag: str, commit: str, at: int) -> Event:
    name = parse_tag(tag)
    if name is None:
        raise RuntimeError(f"{tag} is no registry tag")
    by = Signature("Bench", "bench@example.com", datetime.fromtimestamp(at, UTC))
    return event_of(name, tag, commit, by, "Registered", f"{at:040x}")


def _annotation(artifact: str, random: Random) -> Annotation:
    labels = [label for label, chance in (("tabular", 0.5), ("audited", 0.0005)) if random.random() < chance]
    kind = random.choice(("model", "dataset"))
    return Annotation(artifact, type=kind, path=f"models/{artifact}", labels=tuple(labels), description="")
