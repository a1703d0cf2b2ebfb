"""Headers of safetensors files: a length of eight bytes, then JSON (the format's specification, "Format")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

from modelkeep.domain.artifacts import Json
from modelkeep.domain.file_headers import FileFormat, FileHeader, TensorInfo, parameters_of
from modelkeep.services.foreign_json import read_foreign_json
from modelkeep.services.header_cursors import Source, fault

MAX_HEADER = 16 << 20
MAX_TENSORS = 200_000

_LENGTH = 8
_MOST_DIMENSIONS = 64
_METADATA = "__metadata__"
_MOST_METADATA = 10_000
_BITS = {
    "BOOL": 8,
    "F4": 4,
    "F6_E2M3": 6,
    "F6_E3M2": 6,
    "U8": 8,
    "I8": 8,
    "F8_E5M2": 8,
    "F8_E4M3": 8,
    "F8_E8M0": 8,
    "F8_E4M3FNUZ": 8,
    "F8_E5M2FNUZ": 8,
    "I16": 16,
    "U16": 16,
    "F16": 16,
    "BF16": 16,
    "I32": 32,
    "U32": 32,
    "F32": 32,
    "C64": 64,
    "F64": 64,
    "I64": 64,
    "U64": 64,
}


def read_safetensors(source: Source) -> FileHeader:
    """Reads the header of a safetensors file; every tensor lies within the file and has as many bytes as it says.

    Raises:
        InvalidInput: It cannot be read (``unreadable_header``).
    """
    prefix = source.read(0, _LENGTH)
    length = int.from_bytes(prefix, "little")
    if len(prefix) < _LENGTH or _LENGTH + length > source.size:
        raise fault("it is said to be longer than the file, which is no safetensors file or was cut")
    if length > MAX_HEADER:
        raise fault(f"it is larger than {MAX_HEADER >> 20} MiB")
    values = _json(source.read(_LENGTH, length))
    room = source.size - _LENGTH - length
    metadata = _metadata(values.pop(_METADATA, None))
    tensors = tuple(_tensor(name, value, room) for name, value in values.items())
    return FileHeader(FileFormat.SAFETENSORS, metadata, tensors, parameters_of(tensors))


def safetensors_json(header: FileHeader) -> dict[str, Json]:
    """The header as the file has it."""
    found: dict[str, Json] = {_METADATA: dict(header.metadata)} if header.metadata else {}
    for tensor in header.tensors:
        offsets = list(tensor.offsets or (0, 0))
        found[tensor.name] = {"dtype": tensor.dtype, "shape": list(tensor.shape), "data_offsets": offsets}
    return found


def _json(text: bytes) -> dict[str, Any]:
    # What is counted here bounds the memory that the values take.
    if not text.startswith(b"{") or text.count(b"{") > MAX_TENSORS + 2 or text.count(b"[") > 2 * MAX_TENSORS:
        raise fault(f"it is no JSON of at most {MAX_TENSORS} tensors")
    try:
        values = read_foreign_json(text)
    except ValueError:
        raise fault("it is no JSON") from None
    if not isinstance(values, dict):
        raise fault("it is no JSON object")
    return values


def _metadata(value: object) -> Mapping[str, Json]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        raise fault(f"{_METADATA} is no mapping of texts")
    return dict(list(value.items())[:_MOST_METADATA])


def _tensor(name: str, value: object, room: int) -> TensorInfo:
    shown = repr(name[:60])
    if not isinstance(value, dict):
        raise fault(f"{shown} is no description of a tensor")
    dtype, shape, offsets = value.get("dtype"), value.get("shape"), value.get("data_offsets")
    if not isinstance(dtype, str) or not 0 < len(dtype) <= 20:
        raise fault(f"{shown} has no dtype")
    if not _are_numbers(shape) or len(shape) > _MOST_DIMENSIONS:
        raise fault(f"{shown} has no shape")
    if not _are_numbers(offsets) or len(offsets) != 2 or not offsets[0] <= offsets[1] <= room:
        raise fault(f"{shown} does not lie within the file")
    tensor = TensorInfo(name, dtype, tuple(shape), (offsets[0], offsets[1]))
    bits = _BITS.get(dtype, 1)
    is_wrong = tensor.count * bits > 8 * (offsets[1] - offsets[0])
    if is_wrong or (dtype in _BITS and -(-tensor.count * bits // 8) != offsets[1] - offsets[0]):
        raise fault(f"{shown} has not as many bytes as its shape and dtype take")
    return tensor


def _are_numbers(value: object) -> TypeGuard[list[int]]:
    return isinstance(value, list) and all(type(one) is int and 0 <= one < 1 << 63 for one in value)
