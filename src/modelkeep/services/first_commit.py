"""The first commit of a repo: its files, and in whose name it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from modelkeep.domain.access import Actor
from modelkeep.domain.objects import Signature
from modelkeep.services.writes import signature_of

LFS_PATTERNS = (
    "*.7z *.arrow *.bin *.bz2 *.ckpt *.ftz *.gguf *.ggml *.gz *.h5 *.joblib *.keras *.lz4 *.mar *.mlmodel *.model "
    "*.msgpack *.nemo *.npy *.npz *.onnx *.onnx_data *.ot *.parquet *.pb *.pickle *.pkl *.pt *.pth *.rar *.safetensors "
    "*.skops *.tar *.tar.* *.tflite *.tgz *.ubj *.wasm *.weights *.xz *.zip *.zst *tfevents* saved_model/**/*"
).split()
"""What goes through Git LFS from the start: the usual formats of weights, archives and tables."""


@dataclass(frozen=True, slots=True)
class FirstCommit:
    """A first commit: path and content of each file, author, message."""

    files: tuple[tuple[str, bytes], ...]
    author: Signature
    message: str


def hub_start(name: str, description: str, now: datetime) -> FirstCommit:
    """``.gitattributes`` and a README, by the hub."""
    readme = f"# {name}\n" + (f"\n{description}\n" if description else "")
    author = Signature("Modelkeep", "hub@modelkeep.invalid", now.replace(microsecond=0))
    return FirstCommit((_attributes(), ("README.md", readme.encode())), author, "Initial commit")


def own_start(actor: Actor, now: datetime) -> FirstCommit:
    """``.gitattributes`` alone, by the actor."""
    return FirstCommit((_attributes(),), signature_of(actor, now), "initial commit")


def _attributes() -> tuple[str, bytes]:
    lines = "".join(f"{pattern} filter=lfs diff=lfs merge=lfs -text\n" for pattern in LFS_PATTERNS)
    return ".gitattributes", lines.encode()
