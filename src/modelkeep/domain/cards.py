"""What a model or dataset card says: the fields of its front matter that people search by, and tags of them.

A card is written by anybody who may push: whatever is not of the expected form is passed over here, and reported by
:mod:`modelkeep.services.card_checks`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from modelkeep.domain.artifacts import Json
from modelkeep.domain.repos import RepoKind

MOST_TAGS = 300
"""Tags of one card that are searched by; the rest is not."""

_LONGEST = 200
_ARXIV = re.compile(r"arxiv\.org/(?:abs|pdf)/([0-9]{4}\.[0-9]{4,5})|\barxiv:([0-9]{4}\.[0-9]{4,5})", re.ASCII)
_MOST_PAPERS = 20
_LANGUAGES = ("language", "languages")
_LICENSES = ("license", "licenses")
_PREFIXED = {
    "task_categories": "task_categories",
    "task_ids": "task_ids",
    "size_categories": "size_categories",
    "multilinguality": "multilinguality",
    "annotations_creators": "annotations_creators",
    "language_creators": "language_creators",
    "source_datasets": "source_datasets",
}
"""Fields of dataset cards that are tags with their own name before a colon."""

Parameters = Mapping[str, int]
"""How many parameters, by the type of their numbers, such as ``F32``."""


@dataclass(frozen=True, slots=True)
class Card:
    """A card.

    Attributes:
        data: The front matter; empty where there is none that can be read.
        text: What follows it.
        problem: Why the front matter cannot be read; None where it can, or where there is none.
    """

    data: Mapping[str, Json] = field(default_factory=dict)
    text: str = ""
    problem: str | None = None

    @property
    def license(self) -> str | None:
        """The license's identifier; of several the first."""
        return next(_words(self.data, *_LICENSES), None)

    @property
    def library(self) -> str | None:
        """The library that loads the model."""
        return next(_words(self.data, "library_name"), None)

    @property
    def pipeline_tag(self) -> str | None:
        """What the model does, such as ``text-classification``."""
        return next(_words(self.data, "pipeline_tag"), None)

    @property
    def base_models(self) -> tuple[str, ...]:
        """The models that it was made of."""
        return tuple(_words(self.data, "base_model"))

    @property
    def datasets(self) -> tuple[str, ...]:
        """What it was trained on."""
        return tuple(_words(self.data, "datasets"))

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that it speaks."""
        return tuple(_words(self.data, *_LANGUAGES))

    @property
    def metrics(self) -> tuple[str, ...]:
        """By what it was measured: the field ``metrics``, and the types of metrics in ``model-index``."""
        return tuple(dict.fromkeys([*_words(self.data, "metrics"), *_measured(self.data)]))

    @property
    def tags(self) -> tuple[str, ...]:
        """The plain tags that it gives itself."""
        return tuple(_words(self.data, "tags"))


@dataclass(frozen=True, slots=True)
class CardFields:
    """What lists know of a repo's card, and of the weights beside it, on the default branch.

    Attributes:
        data: The front matter, as far as it is short enough for lists.
        license: See :class:`Card`.
        library: The same.
        pipeline_tag: The same.
        tags: All tags, see :func:`tags_of`.
        parameters: Of its weights, where their headers tell; None otherwise.
    """

    data: Mapping[str, Json] = field(default_factory=dict)
    license: str | None = None
    library: str | None = None
    pipeline_tag: str | None = None
    tags: tuple[str, ...] = ()
    parameters: Parameters | None = None

    @property
    def total(self) -> int | None:
        """The number of all parameters."""
        return None if self.parameters is None else sum(self.parameters.values())


@dataclass(frozen=True, slots=True)
class CardRemark:
    """Something to say about a card; ``line`` counts from 1 in the whole file."""

    message: str
    line: int | None = None

    def __str__(self) -> str:
        return self.message if self.line is None else f"{self.message} (line {self.line})"


@dataclass(frozen=True, slots=True)
class CardReport:
    """What is wrong with a card, and what could be better."""

    errors: tuple[CardRemark, ...] = ()
    warnings: tuple[CardRemark, ...] = ()


def tags_of(card: Card, kind: RepoKind, formats: Sequence[str] = ()) -> tuple[str, ...]:
    """All tags of a repo with this card, in the Hub's spelling, each once.

    Plain ones are the library, the formats of its files, the task, its own tags and (of a model) languages; the others
    have a prefix: ``license:mit``, ``dataset:imdb``, ``base_model:acme/bert``, ``metric:f1``, ``arxiv:1810.04805``.
    """
    is_dataset = kind is RepoKind.DATASET
    found = [
        *(task for task in (card.library, *formats, card.pipeline_tag) if task),
        *card.tags,
        *(f"language:{one}" if is_dataset else one for one in card.languages),
        *(f"{prefix}:{one}" for name, prefix in _PREFIXED.items() for one in _words(card.data, name)),
        *(f"dataset:{one}" for one in card.datasets),
        *(f"base_model:{one}" for one in card.base_models),
        *_relations(card),
        *(f"metric:{one}" for one in card.metrics),
        *(["model-index"] if card.data.get("model-index") and not is_dataset else []),
        *(f"arxiv:{one}" for one in _papers(card)),
        *(f"license:{one}" for one in _words(card.data, *_LICENSES)),
    ]
    return tuple(dict.fromkeys(found))[:MOST_TAGS]


def _relations(card: Card) -> list[str]:
    """``base_model:finetune:acme/bert`` where the card says how it was made of its base model."""
    relation = next(_words(card.data, "base_model_relation"), None)
    return [f"base_model:{relation}:{one}" for one in card.base_models] if relation else []


def _papers(card: Card) -> list[str]:
    found = (one or other for one, other in _ARXIV.findall(card.text[:200_000]))
    return list(dict.fromkeys(found))[:_MOST_PAPERS]


def _words(data: Mapping[str, Json], *names: str) -> Iterator[str]:
    """The texts that a field holds, one or a list of them; numbers are the text of themselves."""
    for name in names:
        value = data.get(name)
        for one in value if isinstance(value, Sequence) and not isinstance(value, str) else [value]:
            text = str(one).strip() if isinstance(one, str | int | float) and one is not True else ""
            if one is not False and is_word(text):
                yield text


def is_word(text: str) -> bool:
    """Whether a text can be searched by: short, and nothing in it that no database could hold."""
    return 0 < len(text) <= _LONGEST and not any(c < " " or "\ud800" <= c <= "\udfff" for c in text)


def _measured(data: Mapping[str, Json]) -> Iterator[str]:
    for model in _mappings(data.get("model-index")):
        for result in _mappings(model.get("results")):
            for metric in _mappings(result.get("metrics")):
                yield from _words(metric, "type")


def _mappings(value: Json) -> Iterator[Mapping[str, Json]]:
    if isinstance(value, Sequence) and not isinstance(value, str):
        yield from (one for one in value if isinstance(one, Mapping))
