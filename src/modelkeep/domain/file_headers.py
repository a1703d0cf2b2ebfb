"""What the header of a file of weights says without the weights: tensors, parameters, inputs and outputs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from modelkeep.domain.artifacts import Json
from modelkeep.domain.cards import Parameters


class FileFormat(StrEnum):
    """A format with a header that is read."""

    SAFETENSORS = "safetensors"
    GGUF = "gguf"
    ONNX = "onnx"


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """A tensor.

    Attributes:
        name: Its name.
        dtype: The type of its numbers, in the format's own word.
        shape: Its dimensions as the format has them.
        offsets: Where its bytes begin and end, counted from the end of the header; None where the format does not say.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    offsets: tuple[int, int] | None = None

    @property
    def count(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class GraphValue:
    """An input or an output of a graph.

    Attributes:
        name: Its name.
        type: Such as ``tensor(float)``, as ONNX Runtime writes it.
        shape: Its dimensions: a number, a name, or None for an unknown one; None where nothing is said.
    """

    name: str
    type: str
    shape: tuple[int | str | None, ...] | None = None


@dataclass(frozen=True, slots=True)
class FileHeader:
    """The header of a file.

    Attributes:
        format: Of the file.
        metadata: What the format says about the model.
        tensors: Its tensors, in the order of the file.
        parameters: How many numbers the tensors hold, by type.
        inputs: Of its graph, for a format that has one.
        outputs: The same.
    """

    format: FileFormat
    metadata: Mapping[str, Json] = field(default_factory=dict)
    tensors: tuple[TensorInfo, ...] = ()
    parameters: Parameters = field(default_factory=dict)
    inputs: tuple[GraphValue, ...] = ()
    outputs: tuple[GraphValue, ...] = ()

    @property
    def total(self) -> int:
        """The number of all parameters."""
        return sum(self.parameters.values())


def format_of(path: str) -> FileFormat | None:
    """The format that a file's name stands for; None for one that is not read."""
    _, dot, suffix = path.rpartition("/")[2].rpartition(".")
    return next((one for one in FileFormat if dot and one.value == suffix.lower()), None)


def parameters_of(tensors: tuple[TensorInfo, ...]) -> Parameters:
    """How many numbers tensors hold, by type; the greatest number first."""
    found: dict[str, int] = {}
    for tensor in tensors:
        found[tensor.dtype] = found.get(tensor.dtype, 0) + tensor.count
    return dict(sorted(found.items(), key=lambda one: (-one[1], one[0])))
