"""Registry tags with times of their own, as somebody's pushes left them, and what the API says of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from urllib.parse import quote

from modelkeep.domain.events import Event, event_of
from modelkeep.domain.objects import Signature
from modelkeep.domain.tag_grammar import parse_tag
from modelkeep.git import refs, tags
from tests.api.rest.world import Client, World, ok

START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
_NUMBERS = count(1)


def at(seconds: float) -> str:
    """A moment after the start, as a parameter."""
    return quote((START + timedelta(seconds=seconds)).isoformat())


@dataclass
class Past:
    """A repo with a few commits, into whose registry tags are put."""

    world: World
    path: str
    commits: Sequence[str]

    @property
    def name(self) -> str:
        return self.path.removeprefix("/repos/")

    @property
    def rita(self) -> Client:
        return self.world.as_("rita")

    def tag(self, *made: tuple[str, int, int], author: str = "Ann") -> None:
        """Makes tags: name, seconds after the start, number of the commit."""
        namespace, name = self.name.split("/")
        repo = self.world.hub.repos.get(self.world.actor("olga"), namespace, name).repo
        git_dir = self.world.hub.repos._stores.repositories.path(repo.id)
        names = []
        for tag, seconds, number in made:
            by = Signature(author, f"{author.lower()}@example.org", START + timedelta(seconds=seconds))
            target = tags.create_tag_object(
                git_dir, name=tag, target_commit=self.commits[number], tagger=by, message="why"
            )
            refs.create_ref(git_dir, f"refs/tags/{tag}", target)
            names.append(f"refs/tags/{tag}")
        with self.world.hub.repos._stores.database.write() as tx:
            self.world.hub.indexing.apply(tx, repo.id, names)

    def get(self, path: str) -> Any:
        return ok(self.rita.get(path))

    def items(self, path: str) -> list[dict[str, Any]]:
        """All of a list."""
        return [item for page in self.rita.pages(path, 1000) for item in page]


def new_past(world: World, commits: int = 4) -> Past:
    path = world.repo()
    return Past(world, path, [world.commit(path, {"x": str(number)}) for number in range(commits)])


def new_artifact() -> str:
    return f"m{next(_NUMBERS)}"


def event_from(item: Mapping[str, Any]) -> Event:
    """The event that an item of a history tells of."""
    name = parse_tag(item["tag"])
    assert name is not None
    by = Signature(item["author"], item["author_email"], datetime.fromisoformat(item["at"]))
    return event_of(name, item["tag"], item["commit"], by, item["message"], "0" * 40)
