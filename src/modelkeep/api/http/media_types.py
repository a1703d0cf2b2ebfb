"""What a browser may be told about a file that anybody could have pushed; everything else is just bytes."""

from __future__ import annotations

TEXT = "text/plain; charset=utf-8"
BYTES = "application/octet-stream"

_BY_EXTENSION = {
    "cfg": TEXT,
    "csv": TEXT,
    "ini": TEXT,
    "log": TEXT,
    "md": TEXT,
    "py": TEXT,
    "rst": TEXT,
    "toml": TEXT,
    "tsv": TEXT,
    "txt": TEXT,
    "yaml": TEXT,
    "yml": TEXT,
    "json": "application/json",
    "gif": "image/gif",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
}


def media_type_of(path: str) -> str:
    """The Content-Type of a file, by its extension."""
    extension = path.rsplit("/", 1)[-1].rpartition(".")[2].lower()
    return _BY_EXTENSION.get(extension, BYTES)
