"""Which policy holds in a repo: its own file on the default branch, its organisation's text, ``.gto``."""

from __future__ import annotations

from pathlib import Path

from modelkeep.db import policies as policy_rows
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Action, Actor
from modelkeep.domain.artifacts import Json
from modelkeep.domain.errors import InvalidInput, ModelkeepError, NotFound, NotPermitted, Unauthenticated
from modelkeep.domain.names import is_gto_name
from modelkeep.domain.objects import EntryKind, TreeEntry
from modelkeep.domain.policy import GTO_FILE, POLICY_FILE, EffectivePolicy, PolicyText
from modelkeep.domain.repos import Repo
from modelkeep.git import refs, trees
from modelkeep.services.access import find_namespace, find_repo
from modelkeep.services.policy_text import MAX_POLICY, faulty_policy, read_policy, read_policy_text
from modelkeep.services.ports import Stores
from modelkeep.services.yaml_tree import YamlFault, read_yaml
from modelkeep.services.yaml_values import Values

_MAX_GTO_FILE = 64 * 1024


class Policies:
    """The policies that hold in repos."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def effective(self, tx: Transaction, repo: Repo) -> EffectivePolicy:
        """What holds in a repo now: Git is read at the tip of the default branch."""
        git_dir = self._stores.repositories.path(repo.id)
        ref = f"refs/heads/{repo.default_branch}"
        tip = refs.read_refs(git_dir, [ref]).get(ref)
        commit = tip.commit if tip is not None else None
        text = policy_rows.policy_text(tx, repo.namespace_id)
        own = policy_at(git_dir, commit) if commit else None
        found = EffectivePolicy(
            own, read_policy_text(text) if text is not None else None, (), repo.default_branch
        )
        if commit is None or any(policy.names_stages for policy in found.policies):
            return found
        return EffectivePolicy(own, found.organisation, _gto_stages(git_dir, commit), repo.default_branch)

    def show(self, actor: Actor, namespace: str, name: str) -> EffectivePolicy:
        """What holds in a repo, for everybody who may read it; what its organisation has beside, for its members.

        Raises:
            NotFound: There is no such repo for this actor.
        """
        with self._stores.database.read() as tx:
            repo = find_repo(tx, actor, namespace, name).repo
            found = self.effective(tx, repo)
            holds = any(text is found.organisation for text in found.texts)
            if found.organisation is None or holds or _belongs_to(tx, actor, repo.namespace):
                return found
        return EffectivePolicy(found.own, None, found.gto_stages, found.branch)


def require_free_to_leave(tx: Transaction, actor: Actor, repo: Repo) -> None:
    """Lets a repo leave its namespace: what an organisation enforces, only its owners take a repo away from.

    Raises:
        NotPermitted: The organisation enforces a policy, and the actor does not own it.
    """
    text = policy_rows.policy_text(tx, repo.namespace_id)
    if text is None:
        return
    policy = read_policy_text(text).policy
    if policy is not None and not policy.is_enforced:
        return
    try:
        find_namespace(tx, actor, repo.namespace, Action.ADMINISTER)
    except (NotFound, NotPermitted):
        raise NotPermitted(
            f"'{repo.namespace}' enforces a policy in its repos, so only its owners take one out of it. Ask one of "
            "them.",
            code="policy_enforced",
        ) from None


def policy_at(git_dir: Path, commit: str, *, quarantine: Path | None = None) -> PolicyText | None:
    """The policy in the tree of a commit, None without the file; what cannot be read has a problem that says so."""
    try:
        entry = trees.entry(git_dir, commit, POLICY_FILE, quarantine=quarantine)
        if entry is None:
            return None
        if entry.kind is not EntryKind.FILE or entry.lfs_oid is not None:
            return faulty_policy(
                "", "it is no ordinary file: a policy is neither a link nor a directory nor in Git LFS"
            )
        return read_policy(trees.read_blob(git_dir, entry.id, MAX_POLICY, quarantine=quarantine))
    except ModelkeepError as error:
        return faulty_policy("", error.message)


def entry_at(git_dir: Path, commit: str | None, quarantine: Path | None) -> TreeEntry | None:
    """What stands where the policy has its place, to see whether it changes."""
    return trees.entry(git_dir, commit, POLICY_FILE, quarantine=quarantine) if commit is not None else None


def require_valid(text: PolicyText, what: str) -> None:
    """Lets a readable policy pass.

    Raises:
        InvalidInput: It cannot be read; each problem with its line and column.
    """
    if text.policy is None:
        shown = "\n".join(f"  {problem}" for problem in text.problems)
        raise InvalidInput(
            f"{what} is not valid:\n{shown}",
            code="policy_invalid",
            problems=[
                {"line": str(p.line), "column": str(p.column), "reason": p.reason} for p in text.problems
            ],
        )


def _belongs_to(tx: Transaction, actor: Actor, namespace: str) -> bool:
    try:
        return find_namespace(tx, actor, namespace).role is not None
    except (NotFound, Unauthenticated):
        return False


def _gto_stages(git_dir: Path, commit: str) -> tuple[str, ...]:
    """The stages that ``.gto`` allows; none where it says nothing, or cannot be read (``doctor`` says that)."""
    try:
        entry = trees.entry(git_dir, commit, GTO_FILE)
        if entry is None or entry.kind is not EntryKind.FILE:
            return ()
        root = read_yaml(trees.read_blob(git_dir, entry.id, _MAX_GTO_FILE)).root
        said: Json = Values().of(root) if root is not None else None
    except (ModelkeepError, YamlFault):
        return ()
    stages: Json = None
    if isinstance(said, dict):
        stages = next((value for key, value in said.items() if key.lower() == "stages"), None)
    if not isinstance(stages, list) or not all(isinstance(one, str) and is_gto_name(one) for one in stages):
        return ()
    return tuple(str(one) for one in stages)
