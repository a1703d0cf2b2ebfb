"""Headers of GGUF files, versions 2 and 3: keys with values, then tensors (docs/gguf.md of the ggml project)."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

from modelkeep.domain.artifacts import Json
from modelkeep.domain.file_headers import FileFormat, FileHeader, TensorInfo, parameters_of
from modelkeep.services.header_cursors import Cursor, Source, fault, text_of

MAX_PAIRS = 10_000
MAX_TENSORS = 200_000
MAX_TEXTS = 2_000_000
"""Texts in arrays, such as the tokens of a vocabulary."""

_SHOWN_ITEMS = 64
"""Longer arrays are shown by their type and length."""
_SHOWN_TEXT = 64 << 10
_LONGEST_NAME = 64 << 10
_LONGEST_TEXT = 8 << 20
_DEEPEST = 4
_MOST_DIMENSIONS = 8

_FIXED = {
    0: ("uint8", "B"),
    1: ("int8", "b"),
    2: ("uint16", "H"),
    3: ("int16", "h"),
    4: ("uint32", "I"),
    5: ("int32", "i"),
    6: ("float32", "f"),
    7: ("bool", "?"),
    10: ("uint64", "Q"),
    11: ("int64", "q"),
    12: ("float64", "d"),
}
_TEXT, _ARRAY = 8, 9
_DTYPES = dict(
    enumerate(
        "F32 F16 Q4_0 Q4_1 Q4_2 Q4_3 Q5_0 Q5_1 Q8_0 Q8_1 Q2_K Q3_K Q4_K Q5_K Q6_K Q8_K IQ2_XXS IQ2_XS IQ3_XXS IQ1_S "
        "IQ4_NL IQ3_S IQ2_S IQ4_XS I8 I16 I32 I64 F64 IQ1_M BF16 Q4_0_4_4 Q4_0_4_8 Q4_0_8_8 TQ1_0 TQ2_0 IQ4_NL_4_4 "
        "IQ4_NL_4_8 IQ4_NL_8_8 MXFP4".split()
    )
)


def read_gguf(source: Source) -> FileHeader:
    """Reads the header of a GGUF file. Long arrays become ``{"type", "length"}``.

    Raises:
        InvalidInput: It cannot be read (``unreadable_header``).
    """
    return _Reader(Cursor(source)).read()


@dataclass(slots=True)
class _Reader:
    cursor: Cursor
    order: str = "<"
    texts: int = 0

    def read(self) -> FileHeader:
        if self.cursor.take(4) != b"GGUF":
            raise fault("it does not begin with GGUF")
        version = self.cursor.number(4)
        if version & 0xFFFF == 0:
            self.order, version = ">", version >> 24
        if version not in (2, 3):
            raise fault(f"GGUF version {version} is not read, only 2 and 3")
        tensors, pairs = self._count(MAX_TENSORS, "tensors"), self._count(MAX_PAIRS, "keys")
        metadata: dict[str, Json] = {}
        for _ in range(pairs):
            name = self._text(_LONGEST_NAME)
            metadata[name] = self._value(self._number("I"), 0)
        infos = tuple(self._tensor() for _ in range(tensors))
        if sum(tensor.count for tensor in infos) > 8 * self.cursor.size:
            raise fault("it has more parameters than the file has bits")
        return FileHeader(FileFormat.GGUF, metadata, infos, parameters_of(infos))

    def _tensor(self) -> TensorInfo:
        name = self._text(_LONGEST_NAME)
        dimensions = self._number("I")
        if dimensions > _MOST_DIMENSIONS:
            raise fault(f"{name[:60]!r} has more than {_MOST_DIMENSIONS} dimensions")
        shape = tuple(self._number("Q") for _ in range(dimensions))
        kind = self._number("I")
        self._number("Q")
        return TensorInfo(name, _DTYPES.get(kind, f"type-{kind}"), shape)

    def _value(self, kind: int, depth: int) -> Json:
        if kind == _TEXT:
            return self._text(_LONGEST_TEXT)[:_SHOWN_TEXT]
        if kind == _ARRAY:
            return self._array(depth + 1)
        if kind not in _FIXED:
            raise fault(f"a value has the unknown type {kind}")
        return self._fixed(_FIXED[kind][1], 1)[0]

    def _array(self, depth: int) -> Json:
        if depth > _DEEPEST:
            raise fault(f"its arrays are deeper than {_DEEPEST}")
        kind, length = self._number("I"), self._number("Q")
        if kind in _FIXED:
            name, code = _FIXED[kind]
            if length <= _SHOWN_ITEMS:
                return self._fixed(code, length)
            self.cursor.skip(length * struct.calcsize(f"={code}"))
            return {"type": name, "length": length}
        self.texts += length
        if self.texts > MAX_TEXTS:
            raise fault(f"its arrays hold more than {MAX_TEXTS} texts")
        if length <= _SHOWN_ITEMS:
            return [self._value(kind, depth) for _ in range(length)]
        for _ in range(length):
            if kind == _TEXT:
                self.cursor.skip(self._number("Q"))
            else:
                self._value(kind, depth)
        return {"type": "string" if kind == _TEXT else "array", "length": length}

    def _fixed(self, code: str, count: int) -> list[Json]:
        form = f"{self.order}{count}{code}"
        found = struct.unpack(form, self.cursor.take(struct.calcsize(form)))
        # JSON has no infinities.
        return [str(one) if isinstance(one, float) and not math.isfinite(one) else one for one in found]

    def _text(self, longest: int) -> str:
        length = self._number("Q")
        if length > longest:
            raise fault(f"a text is longer than {longest} bytes")
        return text_of(self.cursor.take(length))

    def _count(self, most: int, what: str) -> int:
        count = self._number("Q")
        if count > most:
            raise fault(f"it has more than {most} {what}")
        return count

    def _number(self, code: str) -> int:
        length = 8 if code == "Q" else 4
        return self.cursor.number(length, "big" if self.order == ">" else "little")
