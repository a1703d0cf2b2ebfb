"""Headers of ONNX models: Protocol Buffers read as far as is needed, with weights skipped by their length (onnx.proto).

No code of ONNX or Protocol Buffers is involved: of a message only the fields named here are read.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple, TypeVar

from modelkeep.domain.artifacts import Json
from modelkeep.domain.file_headers import FileFormat, FileHeader, GraphValue, TensorInfo, parameters_of
from modelkeep.services.header_cursors import MAX_PARAMETERS, Cursor, Source, fault, text_of

T = TypeVar("T")

MAX_FIELDS = 600_000
MAX_TENSORS = 100_000
MAX_VALUES = 10_000

_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5
_LONGEST_NAME = 4 << 10
_LONGEST_TEXT = 64 << 10
_MOST_PROPERTIES = 1000
_MOST_DIMENSIONS = 64
_MOST_OPERATORS = 1000
_DEEPEST = 5

_TYPES = dict(
    enumerate(
        (
            "undefined float uint8 int8 uint16 int16 int32 int64 string bool float16 double uint32 uint64 "
            "complex64 complex128 bfloat16 float8e4m3fn float8e4m3fnuz float8e5m2 float8e5m2fnuz uint4 int4 "
            "float4e2m1 float8e8m0 uint2 int2 float6e2m3 float6e3m2"
        ).split()
    )
)


class _Field(NamedTuple):
    """A field: its number, its value (of one with bytes their length), and where it ends."""

    number: int
    wire: int
    value: int
    stop: int


def read_onnx(source: Source) -> FileHeader:
    """Reads an ONNX model's graph without its weights; constants inside of nodes are no parameters.

    Raises:
        InvalidInput: It cannot be read (``unreadable_header``).
    """
    return _Reader(Cursor(source)).read()


class _Reader:
    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._fields = 0
        self._metadata: dict[str, Json] = {}
        self._opsets: dict[str, Json] = {}
        self._properties: dict[str, Json] = {}
        self._operators: Counter[str] = Counter()
        self._nodes = 0
        self._tensors: list[TensorInfo] = []
        self._inputs: list[GraphValue] = []
        self._outputs: list[GraphValue] = []
        self._has_graph = False

    def read(self) -> FileHeader:
        for field in self._message(self._cursor.size):
            self._model_field(field)
        if not self._has_graph:
            raise fault("it has no graph, so this is no ONNX model")
        weights = {tensor.name for tensor in self._tensors}
        tensors = tuple(self._tensors)
        if sum(tensor.count for tensor in tensors) > MAX_PARAMETERS:
            raise fault("it has more parameters than there can be")
        operators: dict[str, Json] = dict(self._operators.most_common(_MOST_OPERATORS))
        more: dict[str, Json] = {"opsets": self._opsets, "nodes": self._nodes, "operators": operators}
        if self._properties:
            more["properties"] = self._properties
        return FileHeader(
            FileFormat.ONNX,
            {**self._metadata, **more},
            tensors,
            parameters_of(tensors),
            # Before IR version 4 weights had to be inputs, too.
            tuple(value for value in self._inputs if value.name not in weights),
            tuple(self._outputs),
        )

    def _model_field(self, field: _Field) -> None:
        match field.number, field.wire:
            case 1, 0:
                self._metadata["ir_version"] = field.value
            case 2, 2:
                self._metadata["producer_name"] = self._text(field)
            case 3, 2:
                self._metadata["producer_version"] = self._text(field)
            case 4, 2:
                self._metadata["domain"] = self._text(field)
            case 5, 0:
                self._metadata["model_version"] = _signed(field.value)
            case 6, 2:
                self._metadata["description"] = self._text(field)
            case 7, 2:
                self._has_graph = True
                self._graph(field)
            case 8, 2:
                self._opset(field)
            case 14, 2:
                self._property(field)

    def _graph(self, graph: _Field) -> None:
        for field in self._message(graph.stop):
            match field.number, field.wire:
                case 1, 2:
                    self._node(field)
                case 2, 2:
                    self._metadata["graph"] = self._text(field)
                case 5, 2:
                    self._keep(self._tensors, self._tensor(field), MAX_TENSORS)
                case 11, 2:
                    self._keep(self._inputs, self._graph_value(field), MAX_TENSORS)
                case 12, 2:
                    self._keep(self._outputs, self._graph_value(field), MAX_VALUES)

    def _node(self, node: _Field) -> None:
        operator, domain = "", ""
        for field in self._message(node.stop):
            if field[:2] == (4, _BYTES):
                operator = self._text(field, _LONGEST_NAME)
            elif field[:2] == (7, _BYTES):
                domain = self._text(field, _LONGEST_NAME)
        self._nodes += 1
        name = f"{domain}::{operator}" if domain not in ("", "ai.onnx") else operator
        if name in self._operators or len(self._operators) < _MOST_OPERATORS:
            self._operators[name[:200]] += 1

    def _tensor(self, tensor: _Field) -> TensorInfo:
        name, kind = "", 0
        shape: list[int] = []
        for field in self._message(tensor.stop):
            match field.number, field.wire:
                case 1, 0:
                    shape.append(field.value)
                case 1, 2:
                    while self._cursor.position < field.stop and len(shape) <= _MOST_DIMENSIONS:
                        shape.append(self._cursor.varint())
                case 2, 0:
                    kind = field.value
                case 8, 2:
                    name = self._text(field, _LONGEST_NAME)
            if len(shape) > _MOST_DIMENSIONS:
                raise fault(f"a tensor has more than {_MOST_DIMENSIONS} dimensions")
        if math.prod(shape) > MAX_PARAMETERS:
            raise fault(f"{name[:60]!r} has more numbers than there can be")
        return TensorInfo(name, _TYPES.get(kind, f"type-{kind}"), tuple(shape))

    def _graph_value(self, value: _Field) -> GraphValue:
        name, kind = "", "unknown"
        shape: tuple[int | str | None, ...] | None = None
        for field in self._message(value.stop):
            if field[:2] == (1, _BYTES):
                name = self._text(field, _LONGEST_NAME)
            elif field[:2] == (2, _BYTES):
                kind, shape = self._type(field, 0)
        return GraphValue(name, kind, shape)

    def _type(self, kind: _Field, depth: int) -> tuple[str, tuple[int | str | None, ...] | None]:
        """A TypeProto as ONNX Runtime writes it, and its shape."""
        if depth > _DEEPEST:
            raise fault("a type is too deep")
        for field in self._message(kind.stop):
            match field.number, field.wire:
                case (1 | 8) as number, 2:
                    element, shape = self._tensor_type(field)
                    return f"{'tensor' if number == 1 else 'sparse_tensor'}({element})", shape
                case (4 | 9) as number, 2:
                    inner = self._inner_type(field, 1, depth)
                    return f"{'seq' if number == 4 else 'optional'}({inner})", None
                case 5, 2:
                    return self._map_type(field, depth), None
        return "unknown", None

    def _tensor_type(self, tensor: _Field) -> tuple[str, tuple[int | str | None, ...] | None]:
        element, shape = 0, None
        for field in self._message(tensor.stop):
            if field[:2] == (1, _VARINT):
                element = field.value
            elif field[:2] == (2, _BYTES):
                shape = tuple(
                    self._dimension(part) for part in self._message(field.stop) if part[:2] == (1, _BYTES)
                )
                if len(shape) > _MOST_DIMENSIONS:
                    raise fault(f"a value has more than {_MOST_DIMENSIONS} dimensions")
        return _TYPES.get(element, f"type-{element}"), shape

    def _dimension(self, dimension: _Field) -> int | str | None:
        found: int | str | None = None
        for field in self._message(dimension.stop):
            if field[:2] == (1, _VARINT):
                found = _signed(field.value)
            elif field[:2] == (2, _BYTES):
                found = self._text(field, _LONGEST_NAME) or None
        return found

    def _inner_type(self, outer: _Field, number: int, depth: int) -> str:
        for field in self._message(outer.stop):
            if field[:2] == (number, _BYTES):
                return self._type(field, depth + 1)[0]
        return "unknown"

    def _map_type(self, mapping: _Field, depth: int) -> str:
        key, value = 0, "unknown"
        for field in self._message(mapping.stop):
            if field[:2] == (1, _VARINT):
                key = field.value
            elif field[:2] == (2, _BYTES):
                value = self._type(field, depth + 1)[0]
        return f"map({_TYPES.get(key, f'type-{key}')},{value})"

    def _opset(self, opset: _Field) -> None:
        domain, version = "", 0
        for field in self._message(opset.stop):
            if field[:2] == (1, _BYTES):
                domain = self._text(field, _LONGEST_NAME)
            elif field[:2] == (2, _VARINT):
                version = _signed(field.value)
        if len(self._opsets) < _MOST_PROPERTIES:
            self._opsets[domain or "ai.onnx"] = version

    def _property(self, entry: _Field) -> None:
        key, value = "", ""
        for field in self._message(entry.stop):
            if field[:2] == (1, _BYTES):
                key = self._text(field, _LONGEST_NAME)
            elif field[:2] == (2, _BYTES):
                value = self._text(field)
        if len(self._properties) < _MOST_PROPERTIES:
            self._properties[key] = value

    def _text(self, field: _Field, longest: int = _LONGEST_TEXT) -> str:
        return text_of(self._cursor.take(min(field.value, longest)))

    def _keep(self, kept: list[T], value: T, most: int) -> None:
        if len(kept) >= most:
            raise fault(f"it has more than {most} tensors, inputs or outputs")
        kept.append(value)

    def _message(self, stop: int) -> Iterator[_Field]:
        """The fields up to ``stop``; what the caller does not take of one is skipped."""
        cursor = self._cursor
        while cursor.position < stop:
            self._fields += 1
            if self._fields > MAX_FIELDS:
                raise fault(f"its graph has more than {MAX_FIELDS} fields")
            tag = cursor.varint()
            number, wire = tag >> 3, tag & 7
            value, end = 0, 0
            if wire == _VARINT:
                value = cursor.varint()
                end = cursor.position
            elif wire in (_EIGHT, _FOUR):
                end = cursor.position + (8 if wire == _EIGHT else 4)
            elif wire == _BYTES:
                value = cursor.varint()
                end = cursor.position + value
            if number == 0 or end == 0 or not cursor.position <= end <= stop:
                raise fault(f"what stands at byte {cursor.position} is no Protocol Buffers")
            yield _Field(number, wire, value, end)
            cursor.go(end)


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value
