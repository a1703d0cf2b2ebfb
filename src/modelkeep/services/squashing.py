"""Makes one commit of the history of a branch or of a pull request."""

from __future__ import annotations

from modelkeep.domain.access import Action, Actor
from modelkeep.domain.discussions import number_of
from modelkeep.domain.errors import InvalidInput, NotFound
from modelkeep.domain.objects import RefUpdate
from modelkeep.git import objects, refs, rewriting
from modelkeep.services.access import find_repo
from modelkeep.services.ports import Stores
from modelkeep.services.versions import check_message
from modelkeep.services.writes import Writes


class Squashing:
    """Throws histories away. What tags name stays: versions, and the stages that they hold."""

    def __init__(self, stores: Stores, writes: Writes) -> None:
        self._stores = stores
        self._writes = writes

    def squash(self, actor: Actor, namespace: str, name: str, branch: str, message: str) -> str:
        """Puts a branch, or a pull request (``refs/pr/3``), to one commit with the same files; gives its id.

        That of the default branch is for maintainers, unless a rule protects it against everybody.

        Raises:
            NotFound: No such repo or branch.
            InvalidInput: It is a tag.
            NotPermitted: The branch is protected, or not the actor's to change.
        """
        check_message(message)
        is_proposal = number_of(branch) is not None
        ref = branch if is_proposal else f"refs/heads/{branch.removeprefix('refs/heads/')}"
        with self._stores.database.read() as tx:
            access = find_repo(tx, actor, namespace, name, Action.PROPOSE if is_proposal else Action.WRITE)
        if ref == f"refs/heads/{access.repo.default_branch}":
            access.require(Action.CONFIGURE)
        with self._writes.locked(access.repo.id) as git_dir:
            tag = f"refs/tags/{branch.removeprefix('refs/tags/')}"
            named = [one for one in (ref, tag) if refs.is_valid_name(one) or (one == ref and is_proposal)]
            present = refs.read_refs(git_dir, named) if named else {}
            if ref not in present and tag in present:
                raise InvalidInput(
                    f"Invalid reference for a branch: {branch[:80]} is a tag.", code="invalid_ref"
                )
            if ref not in present:
                raise NotFound(f"There is no branch '{branch[:80]}'.", code="branch_not_found")
            tip = present[ref].target
            if not objects.read_commit(git_dir, tip).parents:
                return tip
            squashed = rewriting.squash(git_dir, tip, self._writes.signature(actor), message)
            self._writes.apply(access, [RefUpdate(ref, tip, squashed)], "branch.squash", rewrites=True)
        return squashed
