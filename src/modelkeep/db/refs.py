"""The index of refs: what Git says, for lists and look-ups without Git."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import bindparam, delete, func, or_, select, update

from modelkeep.db.batches import batches, load_rows
from modelkeep.db.keyset import one_page
from modelkeep.db.row_sets import replace_rows
from modelkeep.db.tables import GitRefs, Repos
from modelkeep.db.transaction import Transaction
from modelkeep.domain.digest import moved
from modelkeep.domain.errors import NotFound
from modelkeep.domain.names import fold
from modelkeep.domain.objects import Ref
from modelkeep.domain.paging import Page, PageRequest, page_of

_COLUMNS = ("repo_id", "name", "target", "commit_id")

# Made once: every push runs these, and making a statement takes longer than running it.
_OF_REPO = GitRefs.repo_id == bindparam("sought_repo")
_LOCK = select(Repos.id).where(Repos.id == bindparam("sought_repo")).with_for_update()
_DIGEST = select(Repos.refs_digest).where(Repos.id == bindparam("sought_repo"))
_STORE_DIGEST = (
    update(Repos).where(Repos.id == bindparam("sought_repo")).values(refs_digest=bindparam("digest"))
)
_BY_NAME = select(GitRefs.name, GitRefs.target, GitRefs.commit_id).where(
    _OF_REPO, GitRefs.name == bindparam("name")
)
_AMONG = (_OF_REPO, GitRefs.name.in_(bindparam("names", expanding=True)))
_TARGETS = select(GitRefs.name, GitRefs.target).where(*_AMONG)
_DELETE = delete(GitRefs).where(*_AMONG)


def lock_repo(tx: Transaction, repo_id: str) -> None:
    """Makes other writers of this repo's index wait until the transaction ends (on SQLite all wait anyway).

    Raises:
        NotFound: There is no such repo, deleted ones are.
        Unavailable: Another holds the lock for too long.
    """
    if tx.execute(_LOCK, {"sought_repo": repo_id}).first() is None:
        raise _no_repo()


def list_refs(
    tx: Transaction,
    repo_id: str,
    prefix: str,
    page: PageRequest,
    query: str | None = None,
    *,
    without: str | None = None,
) -> Page[Ref]:
    """Refs by name.

    Args:
        tx: The transaction.
        repo_id: Which repo.
        prefix: What full names begin with: ``refs/heads/``, ``refs/tags/``; empty for all.
        page: Which page.
        query: What full names hold behind the prefix, without case (of ASCII letters on SQLite).
        without: What full names do not begin with.
    """
    statement = select(GitRefs.name, GitRefs.target, GitRefs.commit_id).where(GitRefs.repo_id == repo_id)
    if prefix:
        statement = statement.where(GitRefs.name >= prefix, GitRefs.name < _after_prefix(prefix))
    if without:
        statement = statement.where(or_(GitRefs.name < without, GitRefs.name >= _after_prefix(without)))
    if query:
        rest = func.substr(GitRefs.name, len(prefix) + 1)
        statement = statement.where(func.lower(rest).contains(fold(query), autoescape=True))
    rows = tx.execute(one_page(statement, [GitRefs.name], page))
    return page_of([((row.name,), Ref(row.name, row.target, row.commit_id)) for row in rows], page.limit)


def ref_by_name(tx: Transaction, repo_id: str, name: str) -> Ref | None:
    """The ref of this full name."""
    row = tx.execute(_BY_NAME, {"sought_repo": repo_id, "name": name}).first()
    return Ref(row.name, row.target, row.commit_id) if row is not None else None


def targets(tx: Transaction, repo_id: str, names: Sequence[str]) -> dict[str, str]:
    """Where these refs point; those that are not there are left out."""
    found: dict[str, str] = {}
    for some in batches(list(dict.fromkeys(names))):
        rows = tx.execute(_TARGETS, {"sought_repo": repo_id, "names": some})
        found.update((row.name, row.target) for row in rows)
    return found


def all_targets(tx: Transaction, repo_id: str) -> dict[str, str]:
    """Where all refs of a repo point."""
    rows = tx.execute(select(GitRefs.name, GitRefs.target).where(GitRefs.repo_id == repo_id))
    return {row.name: row.target for row in rows}


def refs_digest(tx: Transaction, repo_id: str) -> bytes:
    """The digest of a repo's indexed refs (see :mod:`modelkeep.domain.digest`).

    Raises:
        NotFound: There is no such repo.
    """
    digest: bytes | None = tx.execute(_DIGEST, {"sought_repo": repo_id}).scalar()
    if digest is None:
        raise _no_repo()
    return digest


def replace_all(tx: Transaction, repo_id: str, refs: Iterable[Ref], digest: bytes) -> None:
    """Makes the index of a repo say exactly this. ``digest`` must be that of ``refs``.

    Raises:
        NotFound: There is no such repo.
    """
    lock_repo(tx, repo_id)
    rows = [(repo_id, ref.name, ref.target, ref.commit) for ref in refs]
    replace_rows(tx, GitRefs, _COLUMNS, repo_id, rows)
    _store_digest(tx, repo_id, digest)


def apply(tx: Transaction, repo_id: str, changed: Sequence[Ref], removed: Sequence[str]) -> bytes:
    """Follows a push: ``changed`` refs are new or moved, those named in ``removed`` are gone. Safe to repeat.

    Returns:
        The new digest, which is also stored.

    Raises:
        NotFound: There is no such repo.
    """
    lock_repo(tx, repo_id)
    new = {ref.name: ref for ref in changed}
    names = [*new, *(name for name in removed if name not in new)]
    before: list[tuple[str, str]] = []
    for some in batches(names):
        sought = {"sought_repo": repo_id, "names": list(some)}
        before += [(row.name, row.target) for row in tx.execute(_TARGETS, sought)]
        tx.execute(_DELETE, sought)
    load_rows(tx, GitRefs, _COLUMNS, [(repo_id, ref.name, ref.target, ref.commit) for ref in new.values()])
    digest = moved(
        refs_digest(tx, repo_id), removed=before, added=[(ref.name, ref.target) for ref in new.values()]
    )
    _store_digest(tx, repo_id, digest)
    return digest


def _store_digest(tx: Transaction, repo_id: str, digest: bytes) -> None:
    tx.execute(_STORE_DIGEST, {"sought_repo": repo_id, "digest": digest})


def _after_prefix(prefix: str) -> str:
    """The least text that is greater than everything with this prefix, in the order of code points."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)


def _no_repo() -> NotFound:
    return NotFound("There is no such repo.", code="repo_not_found")
