"""Headers of weights for those who may read the files: tensors, parameters, inputs and outputs."""

from __future__ import annotations

from dataclasses import dataclass

from modelkeep.domain.access import Actor
from modelkeep.domain.errors import NotFound
from modelkeep.domain.file_headers import FileHeader
from modelkeep.git import trees
from modelkeep.services.contents import Contents, OpenFile
from modelkeep.services.header_reading import HeaderReader
from modelkeep.services.weights import Shards, Weights


@dataclass(frozen=True, slots=True)
class HeaderOfFile:
    """A file and its header."""

    file: OpenFile
    header: FileHeader


class FileHeaders:
    """Headers of files, read by range: whatever a file's size, a few kilobytes to a few megabytes of it are read."""

    def __init__(self, contents: Contents, reader: HeaderReader, weights: Weights) -> None:
        self._contents = contents
        self._reader = reader
        self._weights = weights

    def read(self, actor: Actor, namespace: str, name: str, revision: str | None, path: str) -> HeaderOfFile:
        """The header of one file.

        Raises:
            NotFound: No such repo, revision or file, or its bytes are not here.
            InvalidInput: The format has no header that is read (``no_header``), or it cannot be read
                (``unreadable_header``).
        """
        file = self._contents.file(actor, namespace, name, revision, path)
        entry = trees.entry(file.git_dir, file.commit, path)
        if entry is None:
            raise NotFound(f"There is no file '{path}' here.", code="file_not_found", path=path)
        return HeaderOfFile(file, self._reader.read(file.git_dir, entry))

    def shards(self, actor: Actor, namespace: str, name: str, revision: str | None, index: str) -> Shards:
        """The headers of all safetensors files that an index (``model.safetensors.index.json``) names.

        Raises:
            NotFound: No such repo, revision or index, or bytes are not here.
            InvalidInput: The index (``unreadable_index``) or a header (``unreadable_header``) cannot be read.
        """
        file = self._contents.file(actor, namespace, name, revision, index)
        return self._weights.shards(file.git_dir, file.commit, index)
