"""The files of a repo's first commit."""

from __future__ import annotations

LFS_PATTERNS = (
    "*.7z *.arrow *.bin *.bz2 *.ckpt *.ftz *.gguf *.ggml *.gz *.h5 *.joblib *.keras *.lz4 *.mar *.mlmodel *.model "
    "*.msgpack *.nemo *.npy *.npz *.onnx *.onnx_data *.ot *.parquet *.pb *.pickle *.pkl *.pt *.pth *.rar *.safetensors "
    "*.skops *.tar *.tar.* *.tflite *.tgz *.ubj *.wasm *.weights *.xz *.zip *.zst *tfevents* saved_model/**/*"
).split()
"""What goes through Git LFS from the start: the usual formats of weights, archives and tables."""


def first_files(name: str, description: str) -> list[tuple[str, bytes]]:
    """Path and content of each file of the first commit."""
    attributes = "".join(f"{pattern} filter=lfs diff=lfs merge=lfs -text\n" for pattern in LFS_PATTERNS)
    readme = f"# {name}\n" + (f"\n{description}\n" if description else "")
    return [(".gitattributes", attributes.encode()), ("README.md", readme.encode())]
