"""Values as this room writes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from html import escape
from urllib.parse import quote

from modelkeep.domain.objects import Commit, EntryKind, TreeEntry
from modelkeep.domain.repos import Repo, RepoKind

Json = dict[str, object]

_COAUTHOR = re.compile(r"^co-authored-by:\s*([^<\n]{1,200}?)\s*<([^>\n]*)>\s*$", re.IGNORECASE | re.MULTILINE)


def date_text(moment: datetime) -> str:
    """A time, such as ``2024-01-01T00:00:00.000Z``; old clients parse no other form."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def page_path(repo: Repo) -> str:
    """The path of a repo's page: ``/acme/churn``, of a dataset ``/datasets/acme/churn``."""
    place = "/datasets" if repo.kind is RepoKind.DATASET else ""
    return f"{place}/{quote(repo.namespace)}/{quote(repo.name)}"


def entry(found: TreeEntry, changes: Mapping[str, Commit], *, is_expanded: bool = False) -> Json:
    """A file or directory of a listing; expanded with the commit that changed it last."""
    is_directory = found.kind in (EntryKind.DIRECTORY, EntryKind.SUBMODULE)
    body: Json = {
        "type": "directory" if is_directory else "file",
        "oid": found.id,
        "size": found.size or 0,
        "path": found.path,
    }
    if found.lfs_oid is not None:
        body["lfs"] = {"oid": found.lfs_oid, "size": found.size, "pointerSize": found.pointer_size}
    if is_expanded:
        body["lastCommit"] = _last_commit(changes[found.path]) if found.path in changes else None
        if not is_directory:
            body["securityFileStatus"] = {"status": "unscanned", "avScan": None, "pickleImportScan": None}
    return body


def _last_commit(commit: Commit) -> Json:
    return {"id": commit.id, "title": commit.subject, "date": date_text(commit.committer.when)}


def authors(found: Commit) -> list[tuple[str, str]]:
    """Name and address of a commit's author and of those whom its message names beside them."""
    _, _, rest = found.message.partition("\n")
    return [(found.author.name, found.author.email), *_COAUTHOR.findall(rest)]


def commit(found: Commit, usernames: Mapping[tuple[str, str], str], *, is_formatted: bool = False) -> Json:
    """A commit of a history; formatted with title and message as HTML.

    Authors are named as users of this hub where they are some, by name and address, and else as they signed.
    """
    title, _, rest = found.message.partition("\n")
    message = rest.strip("\n")
    names = dict.fromkeys(usernames.get(pair, pair[0]) for pair in authors(found))
    body: Json = {
        "id": found.id,
        "title": title,
        "message": message,
        "authors": [{"user": name} for name in names],
        "date": date_text(found.committer.when),
    }
    if is_formatted:
        body["formatted"] = {"title": escape(title), "message": escape(message)}
    return body


def sibling(found: TreeEntry) -> Json:
    """A file among all files of a repo, with its size."""
    body: Json = {"rfilename": found.path, "size": found.size, "blobId": found.id}
    if found.lfs_oid is not None:
        body["lfs"] = {"sha256": found.lfs_oid, "size": found.size, "pointerSize": found.pointer_size}
    return body
