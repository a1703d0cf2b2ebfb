"""Model and dataset cards: what they say at a revision, and what is wrong with one that is about to be sent."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from modelkeep.domain.access import Actor
from modelkeep.domain.cards import Card, CardFields, CardReport, tags_of
from modelkeep.domain.errors import ModelkeepError
from modelkeep.domain.repos import Repo, RepoKind
from modelkeep.services.access import find_repo
from modelkeep.services.card_checks import check_card
from modelkeep.services.card_reading import read_card, read_card_text
from modelkeep.services.memo import Memo
from modelkeep.services.ports import Stores
from modelkeep.services.revisions import resolve
from modelkeep.services.weights import Weights, WeightsSummary, formats_at

_REMEMBERED = 32 << 20


@dataclass(frozen=True, slots=True)
class CardAt:
    """A card at a commit, with what the files beside it say.

    Attributes:
        commit: The commit.
        card: What the card says.
        tags: All tags, see :func:`modelkeep.domain.cards.tags_of`.
        weights: How many parameters there are, where headers tell.
    """

    commit: str
    card: Card
    tags: tuple[str, ...]
    weights: WeightsSummary | None

    @property
    def is_final(self) -> bool:
        """Whether it will be the same at the next look: all that the files could tell has been read."""
        return self.weights is not None or not {"safetensors", "gguf"}.intersection(self.tags)

    @property
    def fields(self) -> CardFields:
        """The same as lists have it."""
        card, parameters = self.card, self.weights.parameters if self.weights else None
        return CardFields(card.data, card.license, card.library, card.pipeline_tag, self.tags, parameters)


class Cards:
    """Cards of repos, at any revision."""

    def __init__(self, stores: Stores, weights: Weights) -> None:
        self._stores = stores
        self._weights = weights
        # A commit never changes; most of what a card takes is its text.
        self._known: Memo[tuple[str, str], CardAt] = Memo(
            _REMEMBERED, lambda found: 1000 + len(found.card.text)
        )

    def of(self, actor: Actor, namespace: str, name: str, revision: str | None = None) -> CardAt:
        """The card at a revision (None: the default branch); an empty one where there is none.

        Of a gated repo those who were not let in see the front matter alone.

        Raises:
            NotFound: No such repo or revision.
        """
        with self._stores.database.read() as tx:
            access = find_repo(tx, actor, namespace, name)
            git_dir = self._stores.repositories.path(access.repo.id)
            commit = resolve(tx, access.repo, git_dir, revision).commit
        found = self.at(access.repo, git_dir, commit)
        return found if access.may_read_content else replace(found, card=replace(found.card, text=""))

    def report(self, actor: Actor, namespace: str, name: str, revision: str | None = None) -> CardReport:
        """What is wrong with the card at a revision (None: the default branch).

        Raises:
            NotFound: No such repo or revision.
        """
        with self._stores.database.read() as tx:
            repo = find_repo(tx, actor, namespace, name).repo
            git_dir = self._stores.repositories.path(repo.id)
            commit = resolve(tx, repo, git_dir, revision).commit
        return check_card(read_card_text(git_dir, commit), repo.kind)

    def at(self, repo: Repo, git_dir: Path, commit: str) -> CardAt:
        """The card at a commit of a repo that the actor was found to be allowed to read.

        Raises:
            NotFound: There is no such commit.
        """
        return self._known.get(
            (repo.id, commit), lambda: self._read(repo, git_dir, commit), keeps=lambda found: found.is_final
        )

    def _read(self, repo: Repo, git_dir: Path, commit: str) -> CardAt:
        card = read_card(git_dir, commit)
        tags = tags_of(card, repo.kind, formats_at(git_dir, commit))
        return CardAt(commit, card, tags, self._summary(git_dir, commit))

    def check(self, text: str, kind: RepoKind = RepoKind.MODEL) -> CardReport:
        """What is wrong with a card; raises nothing."""
        return check_card(text, kind)

    def _summary(self, git_dir: Path, commit: str) -> WeightsSummary | None:
        try:
            return self._weights.summary(git_dir, commit)
        except ModelkeepError:  # what its header cannot tell, the card can do without
            return None
