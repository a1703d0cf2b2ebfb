"""Reads headers of files by range, whichever way their bytes are stored, and remembers them by oid."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from modelkeep.db import headers
from modelkeep.db.transaction import Transaction
from modelkeep.domain.errors import InvalidInput, ModelkeepError, Unavailable
from modelkeep.domain.file_headers import FileFormat, FileHeader, GraphValue, TensorInfo, format_of
from modelkeep.domain.objects import EntryKind, TreeEntry
from modelkeep.git import trees
from modelkeep.services.gguf_headers import read_gguf
from modelkeep.services.header_cursors import BytesSource, Source
from modelkeep.services.memo import Memo
from modelkeep.services.onnx_headers import read_onnx
from modelkeep.services.ports import Stores
from modelkeep.services.safetensors_headers import read_safetensors

_VERSION = 1
"""Of what is remembered: another number, and every header is read again."""

_MOST_REMEMBERED = 4 << 20
_MOST_UNPACKED = 64 << 20
_LARGEST_IN_GIT = 64 << 20

_READERS: dict[FileFormat, Callable[[Source], FileHeader]] = {
    FileFormat.SAFETENSORS: read_safetensors,
    FileFormat.GGUF: read_gguf,
    FileFormat.ONNX: read_onnx,
}
_HEADERS: Memo[tuple[str, FileFormat], FileHeader | InvalidInput] = Memo(
    100_000, lambda found: 20 if isinstance(found, InvalidInput) else 20 + len(found.tensors)
)


class HeaderReader:
    """Reads headers; who may see them is its callers' business."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def read(self, git_dir: Path, entry: TreeEntry, tx: Transaction | None = None) -> FileHeader:
        """The header of a file.

        Args:
            git_dir: The repository that has the file.
            entry: The file.
            tx: The transaction to remember it in; without one it opens its own.

        Raises:
            InvalidInput: The format has none that is read (``no_header``), or it cannot be read
                (``unreadable_header``).
            NotFound: The bytes are not here.
        """
        form = format_of(entry.path)
        if form is None or entry.kind is not EntryKind.FILE:
            raise InvalidInput(
                "Headers are read of files named *.safetensors, *.gguf and *.onnx.", code="no_header"
            )
        key = (entry.lfs_oid or entry.id, form)
        found = _HEADERS.get(key, lambda: self._remembered(key, git_dir, entry, tx))
        if isinstance(found, InvalidInput):
            raise InvalidInput(found.message, code=found.code)
        return found

    def _remembered(
        self, key: tuple[str, FileFormat], git_dir: Path, entry: TreeEntry, tx: Transaction | None
    ) -> FileHeader | InvalidInput:
        name = f"{key[1]}:{key[0]}"
        if tx is not None:
            packed = headers.header_of(tx, name)
        else:
            with self._stores.database.read() as reading:
                packed = headers.header_of(reading, name)
        known = _unpacked(packed) if packed is not None else None
        if known is not None:
            return known
        try:
            found = _READERS[key[1]](self._source(git_dir, entry))
        except InvalidInput as error:
            return error
        self._remember(name, found, tx)
        return found

    def _remember(self, name: str, header: FileHeader, tx: Transaction | None) -> None:
        packed = _packed(header)
        if packed is None:
            return
        if tx is not None:
            if tx.is_write:
                headers.remember(tx, name, packed)
            return
        try:
            with self._stores.database.write() as writing:
                headers.remember(writing, name, packed)
        except Unavailable:  # it is read again next time
            return

    def _source(self, git_dir: Path, entry: TreeEntry) -> Source:
        if entry.lfs_oid is not None:
            return _BlobSource(self._stores, entry.lfs_oid, entry.size or 0)
        return BytesSource(trees.read_blob(git_dir, entry.id, _LARGEST_IN_GIT))


class _BlobSource:
    """A blob in the store."""

    def __init__(self, stores: Stores, oid: str, size: int) -> None:
        self._stores = stores
        self._oid = oid
        self.size = size

    def read(self, start: int, length: int) -> bytes:
        pieces = []
        with self._stores.blobs.open_range(self._oid, start, min(start + length, self.size)) as reader:
            while piece := reader.read(1 << 20):
                pieces.append(piece)
        return b"".join(pieces)


def _packed(header: FileHeader) -> bytes | None:
    """The header as it is remembered; None for one that is too large for that."""
    text = json.dumps({"v": _VERSION, **asdict(header)}, separators=(",", ":"))
    packed = zlib.compress(text.encode(), 6) if len(text) <= _MOST_UNPACKED else b""
    return packed if 0 < len(packed) <= _MOST_REMEMBERED else None


def _unpacked(packed: bytes) -> FileHeader | None:
    try:
        data: dict[str, Any] = json.loads(zlib.decompressobj().decompress(packed, _MOST_UNPACKED))
        if data["v"] != _VERSION:
            return None
        return FileHeader(
            FileFormat(data["format"]),
            data["metadata"],
            tuple(
                TensorInfo(one["name"], one["dtype"], tuple(one["shape"]), _pair(one["offsets"]))
                for one in data["tensors"]
            ),
            data["parameters"],
            tuple(_graph_value(one) for one in data["inputs"]),
            tuple(_graph_value(one) for one in data["outputs"]),
        )
    except (zlib.error, ValueError, KeyError, TypeError, ModelkeepError):
        return None


def _graph_value(data: dict[str, Any]) -> GraphValue:
    shape = data["shape"]
    return GraphValue(data["name"], data["type"], None if shape is None else tuple(shape))


def _pair(value: list[int] | None) -> tuple[int, int] | None:
    return None if value is None else (value[0], value[1])
