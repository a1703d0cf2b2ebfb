"""Shapes of cards and of headers of weights."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from modelkeep.api.rest.schemas.base import Answer


class CardRemark(Answer):
    """Something to say about a card."""

    message: str
    line: int | None = Field(description="In README.md, from 1.")


class Weights(Answer):
    """How many parameters a model has."""

    format: Literal["safetensors", "gguf", "onnx"]
    total: int = Field(description="All parameters.")
    parameters: dict[str, int] = Field(description="How many, by the type of their numbers, such as `F32`.")
    files: list[str] = Field(description="Whose headers say so.")


class Card(Answer):
    """What a repo's README.md says, and the weights beside it."""

    commit: str
    license: str | None = Field(description="Its identifier; of several the first.")
    library: str | None = Field(description="What loads the model.")
    pipeline_tag: str | None = Field(description="What the model does, such as `text-classification`.")
    base_models: list[str]
    datasets: list[str]
    languages: list[str]
    metrics: list[str]
    tags: list[str] = Field(description="All that the repo can be found by, such as `license:mit`.")
    data: dict[str, JsonValue] = Field(description="The whole front matter.")
    text: str = Field(
        description="What follows the front matter; empty where the repo is gated and you were not let in."
    )
    weights: Weights | None = Field(description="Null where no header tells.")
    errors: list[CardRemark] = Field(description="What keeps the front matter from being understood.")
    warnings: list[CardRemark]


class Tensor(Answer):
    """A tensor."""

    name: str
    dtype: str = Field(description="In the format's own word.")
    shape: list[int]


class GraphValue(Answer):
    """An input or an output of a graph."""

    name: str
    type: str = Field(description="Such as `tensor(float)`.")
    shape: list[int | str | None] | None = Field(
        description="A number, a name or null (unknown) for each dimension; null where nothing is said."
    )


class FileHeader(Answer):
    """What the header of a file says."""

    path: str
    commit: str
    size: int = Field(description="Of the file, in bytes.")
    format: Literal["safetensors", "gguf", "onnx"]
    total: int = Field(description="All parameters.")
    parameters: dict[str, int] = Field(description="How many, by the type of their numbers, such as `F32`.")
    metadata: dict[str, JsonValue] = Field(description="What the format says about the model.")
    inputs: list[GraphValue] = Field(description="Of an ONNX graph, weights left out.")
    outputs: list[GraphValue]
    tensors: list[Tensor] = Field(description="A page of them, in the order of the file.")
    tensor_count: int
    next_cursor: str | None = Field(
        description="Where the next page of tensors starts; null on the last one."
    )
