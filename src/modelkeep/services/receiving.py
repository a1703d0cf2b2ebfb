"""Files that arrive one by one for a commit yet to be made: each is put away before the next one is read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from modelkeep.domain.access import Action, Actor
from modelkeep.domain.discussions import number_of
from modelkeep.domain.errors import TooLarge
from modelkeep.domain.lfs import POINTER_LIMIT
from modelkeep.git.blobs import write_blob
from modelkeep.services.access import find_repo
from modelkeep.services.commits import AddFile
from modelkeep.services.ports import MIB, Rules, Stores
from modelkeep.services.proposing import require_commits


@dataclass(frozen=True, slots=True)
class Receiver:
    """Takes the files of one commit.

    What is small is kept as it is, because it may be a pointer, which the gate judges first. The rest becomes a blob of
    the repo that nothing names, until the commit does; Git removes it if none ever does.
    """

    git_dir: Path
    largest: int

    def put(self, path: str, content: bytes) -> AddFile:
        """Takes a file.

        Raises:
            TooLarge: It must go through LFS.
        """
        if len(content) > self.largest:
            raise TooLarge(
                f"{path[:200]!a} has {len(content)} bytes; files above {self.largest / MIB:g} MiB must go through LFS.",
                code="file_too_large",
                limit=self.largest,
                size=len(content),
            )
        if len(content) < POINTER_LIMIT:
            return AddFile(path, content)
        return AddFile(path, blob_id=write_blob(self.git_dir, content))


class Receiving:
    """Opens a receiver for whoever may commit."""

    def __init__(self, stores: Stores, rules: Rules) -> None:
        self._stores = stores
        self._rules = rules

    def begin(
        self, actor: Actor, namespace: str, name: str, ref: str | None = None, *, proposes: bool = False
    ) -> Receiver:
        """Opens a receiver, for a commit to a branch, to a pull request (``ref``) or to one yet to be opened.

        Raises:
            NotFound: No such repo or pull request.
            NotPermitted: The actor may not make such a commit.
        """
        number = number_of(ref) if ref is not None else None
        is_proposal = proposes or number is not None
        with self._stores.database.read() as tx:
            access = find_repo(tx, actor, namespace, name, Action.PROPOSE if is_proposal else Action.WRITE)
            if is_proposal:
                access.require_content()
            if number is not None:
                require_commits(tx, access, number)
        return Receiver(self._stores.repositories.path(access.repo.id), self._rules.max_git_file)
