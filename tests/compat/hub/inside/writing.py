"""What people do to change repos."""

import io
from pathlib import Path
from typing import Any

from huggingface_hub import CommitOperationAdd, CommitOperationCopy, CommitOperationDelete, HfApi

api = HfApi()


def who_am_i() -> Any:
    """The account as the client sees it."""
    return api.whoami()


def create_repo(repo: str, **options: Any) -> str:
    """Makes a repo; its URL."""
    return str(api.create_repo(repo, **options))


def delete_repo(repo: str, **options: Any) -> None:
    """Deletes a repo."""
    api.delete_repo(repo, **options)


def move_repo(repo: str, to: str) -> None:
    """Renames a repo."""
    api.move_repo(from_id=repo, to_id=to)


def upload_file(repo: str, path: str, file: str, **options: Any) -> str:
    """Uploads a file from disk; the commit."""
    return str(api.upload_file(repo_id=repo, path_or_fileobj=file, path_in_repo=path, **options).oid)


def upload_bytes(repo: str, path: str, file: str, **options: Any) -> str:
    """Uploads a file's content from memory, as a binary stream; the commit."""
    content = io.BytesIO(Path(file).read_bytes())
    return str(api.upload_file(repo_id=repo, path_or_fileobj=content, path_in_repo=path, **options).oid)


def upload_folder(repo: str, folder: str, **options: Any) -> str:
    """Uploads a folder; the commit."""
    done = api.upload_folder(repo_id=repo, folder_path=folder, **options)
    return str(getattr(done, "oid", done))


def upload_large_folder(repo: str, folder: str) -> None:
    """Uploads a folder in many commits, which may be interrupted."""
    api.upload_large_folder(
        repo_id=repo, folder_path=folder, repo_type="model", num_workers=2, print_report=False
    )


def commit(
    repo: str,
    add: dict[str, str] | None = None,
    copy: dict[str, str] | None = None,
    delete: list[str] | None = None,
    message: str = "Change",
    **options: Any,
) -> dict[str, Any]:
    """One commit that adds texts, copies files (new path: old path) and deletes paths."""
    operations: list[Any] = [
        CommitOperationAdd(path, content.encode()) for path, content in (add or {}).items()
    ]
    operations += [CommitOperationCopy(old, new) for new, old in (copy or {}).items()]
    operations += [CommitOperationDelete(path) for path in delete or ()]
    done = api.create_commit(repo, operations, commit_message=message, **options)
    return {"oid": done.oid, "url": done.commit_url, "pr": done.pr_url, "number": done.pr_num}


def create_branch(repo: str, branch: str, **options: Any) -> None:
    """Makes a branch."""
    api.create_branch(repo, branch=branch, **options)


def delete_branch(repo: str, branch: str) -> None:
    """Deletes a branch."""
    api.delete_branch(repo, branch=branch)


def create_tag(repo: str, tag: str, **options: Any) -> None:
    """Makes a tag."""
    api.create_tag(repo, tag=tag, **options)


def delete_tag(repo: str, tag: str) -> None:
    """Deletes a tag."""
    api.delete_tag(repo, tag=tag)


def super_squash(repo: str, **options: Any) -> None:
    """Makes one commit of a branch's history."""
    api.super_squash_history(repo, **options)
