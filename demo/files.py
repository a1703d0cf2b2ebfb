"""Compares folders of files by sha256."""

from __future__ import annotations

import hashlib
from pathlib import Path

from demo.person import Failed

NOT_OURS = {".git"}
_LFS_FORMATS = {".onnx", ".skops", ".safetensors"}


def digests(folder: Path) -> dict[str, str]:
    """The sha256 of each file below the folder by its path there; what Git keeps for itself is left out."""
    found = {}
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.is_file() and not NOT_OURS & set(inside.parts):
            with path.open("rb") as file:
                found[inside.as_posix()] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def require_same(pushed: dict[str, str], received: dict[str, str], what: str) -> str:
    """A sentence about how many files are the same.

    Raises:
        Failed: A file is missing, is different, or was not pushed; each is named.
    """
    wrong = [f"{name}: missing" for name in sorted(pushed.keys() - received.keys())]
    wrong += [f"{name}: was not pushed" for name in sorted(received.keys() - pushed.keys())]
    wrong += [
        f"{name}: sha256 {received[name]}, {pushed[name]} was pushed"
        for name in sorted(pushed.keys() & received.keys())
        if pushed[name] != received[name]
    ]
    if not pushed:
        wrong.append("nothing was pushed")
    if wrong:
        raise Failed(f"{what}: not what was pushed", "\n".join(wrong))
    weights = [name for name in pushed if Path(name).suffix in _LFS_FORMATS]
    shown = weights[0] if weights else next(iter(pushed))
    return f"{len(pushed)} files as pushed; {shown} has sha256 {pushed[shown][:12]}…"
