"""What people do to look at repos and to download."""

import hashlib
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, HfFileSystem, hf_hub_download, snapshot_download

api = HfApi()


def digests(folder: str | Path) -> dict[str, str]:
    """The SHA-256 of all files below a folder, without what the client keeps there for itself."""
    below = Path(folder)
    return {
        path.relative_to(below).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(below.rglob("*"))
        if path.is_file() and ".cache" not in path.relative_to(below).parts
    }


def snapshot(repo: str, **options: Any) -> dict[str, Any]:
    """Downloads a revision; where it is now, and the SHA-256 of its files."""
    folder = snapshot_download(repo, **options)
    return {"commit": Path(folder).name, "files": digests(folder)}


def download(repo: str, path: str, **options: Any) -> dict[str, str]:
    """Downloads a file; where it is now, and its SHA-256."""
    file = Path(hf_hub_download(repo, path, **options))
    return {"path": str(file), "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}


def info(repo: str, **options: Any) -> dict[str, Any]:
    """What the client makes of a repo."""
    found = api.repo_info(repo, **options)
    return {
        "id": found.id,
        "sha": found.sha,
        "private": found.private,
        "tags": found.tags,
        "library": getattr(found, "library_name", None),
        "pipeline": getattr(found, "pipeline_tag", None),
        "card": found.card_data.to_dict() if found.card_data else None,
        "files": {entry.rfilename: entry.size for entry in found.siblings or ()},
    }


def models(**options: Any) -> list[str]:
    """The ids of a listing."""
    return [found.id for found in api.list_models(**options)]


def tree(repo: str, **options: Any) -> dict[str, dict[str, Any]]:
    """The entries of a tree by path."""
    found = {}
    for entry in api.list_repo_tree(repo, **options):
        lfs = getattr(entry, "lfs", None)
        last = getattr(entry, "last_commit", None)
        found[entry.path] = {
            "size": getattr(entry, "size", None),
            "oid": getattr(entry, "blob_id", None) or entry.tree_id,
            "sha256": lfs.sha256 if lfs else None,
            "last": last.title if last else None,
        }
    return found


def files(repo: str, **options: Any) -> list[str]:
    """The paths of all files."""
    return list(api.list_repo_files(repo, **options))


def paths(repo: str, wanted: list[str], **options: Any) -> list[str]:
    """Which of these paths there are."""
    return [entry.path for entry in api.get_paths_info(repo, wanted, **options)]


def refs(repo: str, **options: Any) -> dict[str, dict[str, str]]:
    """Branches, tags and pull requests with their commits."""
    found = api.list_repo_refs(repo, **options)
    return {
        "branches": {ref.name: ref.target_commit for ref in found.branches},
        "tags": {ref.name: ref.target_commit for ref in found.tags},
        "requests": {ref.ref: ref.target_commit for ref in found.pull_requests or ()},
    }


def commits(repo: str, **options: Any) -> list[dict[str, Any]]:
    """The history, newest first."""
    return [
        {"id": entry.commit_id, "title": entry.title, "authors": list(entry.authors)}
        for entry in api.list_repo_commits(repo, **options)
    ]


def exists(repo: str, **options: Any) -> bool:
    """Whether there is such a repo."""
    return bool(api.repo_exists(repo, **options))


def through_the_file_system(repo: str, revision: str, path: str, start: int, stop: int) -> dict[str, Any]:
    """Lists, stats and reads a part, then all, of a file as fsspec does it."""
    fs = HfFileSystem(skip_instance_cache=True)
    root = f"{repo}@{revision}" if revision else repo
    names = sorted(entry["name"].removeprefix(f"{root}/") for entry in fs.ls(root, detail=True))
    full = f"{root}/{path}"
    with fs.open(full, "rb", block_size=1 << 16) as file:
        file.seek(start)
        part = file.read(stop - start)
    return {
        "names": names,
        "size": fs.info(full)["size"],
        "part": hashlib.sha256(part).hexdigest(),
        "whole": hashlib.sha256(fs.read_bytes(full)).hexdigest(),
        "found": sorted(name.removeprefix(f"{root}/") for name in fs.glob(f"{root}/**/*.bin")),
    }


def write_through_the_file_system(repo: str, path: str, text: str) -> str:
    """Writes a file, copies it, deletes the original as fsspec does it; what the copy holds."""
    fs = HfFileSystem(skip_instance_cache=True)
    with fs.open(f"{repo}/{path}", "w") as file:
        file.write(text)
    fs.cp_file(f"{repo}/{path}", f"{repo}/{path}.copy")
    fs.rm(f"{repo}/{path}")
    fs.invalidate_cache()
    return str(fs.read_text(f"{repo}/{path}.copy"))
