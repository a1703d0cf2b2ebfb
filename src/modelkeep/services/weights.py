"""The weights of a model at a commit: in which formats they are, and how many parameters they have.

Looked for at the root, where loaders look: ``model.safetensors.index.json`` with its shards, ``model.safetensors``, the
only other ``.safetensors`` file, or the only ``.gguf`` file.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from modelkeep.db.transaction import Transaction
from modelkeep.domain.artifacts import Json
from modelkeep.domain.cards import Parameters
from modelkeep.domain.errors import InvalidInput, ModelkeepError
from modelkeep.domain.file_headers import FileFormat, FileHeader
from modelkeep.domain.objects import EntryKind, TreeEntry
from modelkeep.git import trees
from modelkeep.git.library import open_repository
from modelkeep.git.objects import load_commit
from modelkeep.services.foreign_json import read_foreign_json
from modelkeep.services.header_reading import HeaderReader
from modelkeep.services.memo import Memo

INDEX_FILE = "model.safetensors.index.json"
SINGLE_FILE = "model.safetensors"
MAX_SHARDS = 500
MAX_INDEX = 16 << 20

_MOST_NAMES = 10_000
_FORMATS = {
    ".safetensors": "safetensors",
    ".gguf": "gguf",
    ".onnx": "onnx",
    ".keras": "keras",
    ".h5": "tf",
    ".tflite": "tflite",
    ".msgpack": "jax",
    ".joblib": "joblib",
    ".skops": "skops",
    ".parquet": "parquet",
}
_FORMATS_BY_NAME = {"pytorch_model.bin": "pytorch", "pytorch_model.bin.index.json": "pytorch"}


@dataclass(frozen=True, slots=True)
class WeightsSummary:
    """How many parameters a model has.

    Attributes:
        format: Of its files.
        parameters: How many, by type.
        files: Where they are.
        metadata: What the only file's header says beside tensors; for several files what their index says.
    """

    format: FileFormat
    parameters: Parameters
    files: tuple[str, ...]
    metadata: Mapping[str, Json] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """The number of all parameters."""
        return sum(self.parameters.values())


def _weight(summary: WeightsSummary | None) -> int:
    values = summary.metadata.values() if summary else ()
    return 500 + sum(50 + len(str(value)) for value in values)


_SUMMARIES: Memo[tuple[str, str], WeightsSummary | None] = Memo(16 << 20, _weight)


@dataclass(frozen=True, slots=True)
class Shards:
    """The headers of weights in several files, by path from the index's folder, and what the index says of them."""

    metadata: Mapping[str, Json]
    headers: Mapping[str, FileHeader]


class Weights:
    """Finds and reads the weights at a commit."""

    def __init__(self, reader: HeaderReader) -> None:
        self._reader = reader

    def summary(self, git_dir: Path, commit: str, tx: Transaction | None = None) -> WeightsSummary | None:
        """How many parameters the model has; None where it has no weights that tell.

        Raises:
            InvalidInput: A header, or the index, cannot be read.
            NotFound: There is no such commit, or bytes are not here.
        """
        return _SUMMARIES.get((str(git_dir), commit), lambda: self._summary(git_dir, commit, tx))

    def _summary(self, git_dir: Path, commit: str, tx: Transaction | None) -> WeightsSummary | None:
        index = _file(git_dir, commit, INDEX_FILE)
        if index is not None:
            shards = self.shards(git_dir, commit, INDEX_FILE, tx)
            found = _sum(list(shards.headers.values()))
            return WeightsSummary(FileFormat.SAFETENSORS, found, tuple(shards.headers), shards.metadata)
        entry = _file(git_dir, commit, SINGLE_FILE) or self._only(git_dir, commit)
        if entry is None:
            return None
        header = self._reader.read(git_dir, entry, tx)
        return WeightsSummary(header.format, header.parameters, (entry.path,), header.metadata)

    def shards(self, git_dir: Path, commit: str, path: str, tx: Transaction | None = None) -> Shards:
        """The headers of all files that an index of shards names.

        Raises:
            InvalidInput: The index, or a header, cannot be read.
            NotFound: There is no such index, or bytes are not here.
        """
        entry = _file(git_dir, commit, path)
        if entry is None or entry.lfs_oid is not None:
            raise _bad_index(path, "there is no such file in Git")
        index = _json(trees.read_blob(git_dir, entry.id, MAX_INDEX), path)
        metadata, weight_map = index.get("metadata"), index.get("weight_map")
        if not isinstance(weight_map, Mapping) or not all(isinstance(v, str) for v in weight_map.values()):
            raise _bad_index(path, "it has no weight_map")
        names = sorted({str(name) for name in weight_map.values()})
        if len(names) > MAX_SHARDS:
            raise _bad_index(path, f"it names more than {MAX_SHARDS} files")
        headers = {name: self._shard(git_dir, commit, path, name, tx) for name in names}
        return Shards(metadata if isinstance(metadata, Mapping) else {}, headers)

    def _shard(self, git_dir: Path, commit: str, index: str, name: str, tx: Transaction | None) -> FileHeader:
        path = posixpath.normpath(posixpath.join(posixpath.dirname(index), name))
        entry = None if path.startswith(("..", "/")) else _file(git_dir, commit, path)
        if entry is None:
            raise _bad_index(index, f"it names {name[:100]!r}, which is not there")
        return self._reader.read(git_dir, entry, tx)

    def _only(self, git_dir: Path, commit: str) -> TreeEntry | None:
        names = root_names(git_dir, commit)
        for suffix in (".safetensors", ".gguf"):
            found = [name for name in names if name.lower().endswith(suffix)]
            if len(found) == 1:
                return _file(git_dir, commit, found[0])
        return None


def formats_at(git_dir: Path, commit: str) -> tuple[str, ...]:
    """The formats of the files at a commit's root that have a tag of their own, such as ``onnx``."""
    found = set()
    for name in root_names(git_dir, commit):
        suffix = posixpath.splitext(name)[1].lower()
        found.add(_FORMATS_BY_NAME.get(name) or _FORMATS.get(suffix))
    return tuple(sorted(one for one in found if one))


def root_names(git_dir: Path, commit: str) -> list[str]:
    """The names at a commit's root, as many as are looked at.

    Raises:
        NotFound: There is no such commit.
    """
    repository = open_repository(git_dir)
    found: list[str] = []
    for name, _, _ in trees.read_tree(repository, load_commit(repository, commit).tree_id):
        if len(found) == _MOST_NAMES:
            break
        found.append(name.decode("utf-8", "replace"))
    return found


def _file(git_dir: Path, commit: str, path: str) -> TreeEntry | None:
    try:
        entry = trees.entry(git_dir, commit, path)
    except InvalidInput:
        return None
    return entry if entry is not None and entry.kind is EntryKind.FILE else None


def _json(content: bytes, path: str) -> Mapping[str, Json]:
    try:
        found: Json = read_foreign_json(content)
    except ValueError:
        raise _bad_index(path, "it is no JSON") from None
    if not isinstance(found, Mapping):
        raise _bad_index(path, "it is no JSON object")
    return found


def _sum(headers: list[FileHeader]) -> Parameters:
    found: dict[str, int] = {}
    for header in headers:
        for dtype, count in header.parameters.items():
            found[dtype] = found.get(dtype, 0) + count
    return dict(sorted(found.items(), key=lambda one: (-one[1], one[0])))


def _bad_index(path: str, reason: str) -> ModelkeepError:
    return InvalidInput(f"The shards of {path[:200]!r} cannot be read: {reason}.", code="unreadable_index")
