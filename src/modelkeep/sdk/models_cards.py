"""Cards and headers of weights, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from modelkeep.sdk.errors import BadAnswer
from modelkeep.sdk.wire import Record


@dataclass(frozen=True, slots=True)
class CardRemark:
    """Something to say about a card; ``line`` counts from 1 in README.md, None for the whole of it."""

    message: str
    line: int | None

    @classmethod
    def read(cls, record: Record) -> CardRemark:
        """Reads it from an answer."""
        return cls(record.text("message"), record.optional_integer("line"))


@dataclass(frozen=True, slots=True)
class Weights:
    """How many parameters a model has: ``total``, by the type of their numbers, and the files that say so."""

    format: str
    total: int
    parameters: Mapping[str, int]
    files: tuple[str, ...]

    @classmethod
    def read(cls, record: Record) -> Weights:
        """Reads it from an answer."""
        return cls(
            record.text("format"),
            record.integer("total"),
            _counts(record, "parameters"),
            record.texts("files"),
        )


@dataclass(frozen=True, slots=True)
class Card:
    """What a repo's README.md says.

    ``data`` is its whole front matter, ``text`` what follows it; ``errors`` keep the front matter from being
    understood. ``weights`` is None where no header of a file tells how many parameters there are.
    """

    commit: str
    license: str | None
    library: str | None
    pipeline_tag: str | None
    base_models: tuple[str, ...]
    datasets: tuple[str, ...]
    languages: tuple[str, ...]
    metrics: tuple[str, ...]
    tags: tuple[str, ...]
    data: Mapping[str, object]
    text: str
    weights: Weights | None
    errors: tuple[CardRemark, ...]
    warnings: tuple[CardRemark, ...]

    @classmethod
    def read(cls, record: Record) -> Card:
        """Reads it from an answer."""
        weights = record.optional_record("weights")
        return cls(
            commit=record.text("commit"),
            license=record.optional_text("license"),
            library=record.optional_text("library"),
            pipeline_tag=record.optional_text("pipeline_tag"),
            base_models=record.texts("base_models"),
            datasets=record.texts("datasets"),
            languages=record.texts("languages"),
            metrics=record.texts("metrics"),
            tags=record.texts("tags"),
            data=record.mapping("data"),
            text=record.text("text", ""),
            weights=None if weights is None else Weights.read(weights),
            errors=tuple(CardRemark.read(one) for one in record.records("errors")),
            warnings=tuple(CardRemark.read(one) for one in record.records("warnings")),
        )


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor: ``dtype`` is the format's own word for the type of its numbers."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    @classmethod
    def read(cls, record: Record) -> Tensor:
        """Reads it from an answer."""
        return cls(record.text("name"), record.text("dtype"), tuple(_sizes(record)))


@dataclass(frozen=True, slots=True)
class GraphValue:
    """An input or output of a graph; in ``shape`` a name stands for a free dimension, None for an unknown one."""

    name: str
    type: str
    shape: tuple[int | str | None, ...] | None

    @classmethod
    def read(cls, record: Record) -> GraphValue:
        """Reads it from an answer."""
        shape = record.value("shape")
        dimensions = tuple(shape) if isinstance(shape, list) else None
        return cls(record.text("name"), record.text("type"), dimensions)


@dataclass(frozen=True, slots=True)
class FileHeader:
    """What the header of a file of weights says; ``tensors`` are all of them."""

    path: str
    commit: str
    size: int
    format: str
    total: int
    parameters: Mapping[str, int]
    metadata: Mapping[str, object]
    inputs: tuple[GraphValue, ...]
    outputs: tuple[GraphValue, ...]
    tensors: tuple[Tensor, ...]

    @classmethod
    def read(cls, record: Record, more: tuple[Tensor, ...] = ()) -> FileHeader:
        """Reads it from an answer, with the tensors of further pages."""
        return cls(
            path=record.text("path"),
            commit=record.text("commit"),
            size=record.integer("size"),
            format=record.text("format"),
            total=record.integer("total"),
            parameters=_counts(record, "parameters"),
            metadata=record.mapping("metadata"),
            inputs=tuple(GraphValue.read(one) for one in record.records("inputs")),
            outputs=tuple(GraphValue.read(one) for one in record.records("outputs")),
            tensors=(*(Tensor.read(one) for one in record.records("tensors")), *more),
        )


def _counts(record: Record, name: str) -> dict[str, int]:
    found = record.mapping(name)
    return {key: value for key, value in found.items() if isinstance(value, int)}


def _sizes(record: Record) -> list[int]:
    shape = record.value("shape")
    if not isinstance(shape, list) or not all(isinstance(size, int) for size in shape):
        raise BadAnswer("The hub's field 'shape' should be a list of whole numbers.")
    return shape
