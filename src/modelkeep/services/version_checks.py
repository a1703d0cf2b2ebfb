"""Verdicts about versions that are found elsewhere, such as a scanner's: recorded, kept, and asked for by policies."""

from __future__ import annotations

import re
from collections.abc import Iterator

from modelkeep.db import registry as registry_index
from modelkeep.db import version_checks
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Action, Actor
from modelkeep.domain.errors import InvalidInput, NotFound, NotPermitted
from modelkeep.domain.policy import MAINTAINERS, CheckEvidence, EffectivePolicy, Entitled, listed
from modelkeep.domain.promotions import CheckVerdict, VersionCheck
from modelkeep.domain.registry import VersionRow
from modelkeep.domain.repos import Repo
from modelkeep.domain.versions import SemVer
from modelkeep.services.access import find_repo
from modelkeep.services.audit import record
from modelkeep.services.policies import Policies
from modelkeep.services.ports import Stores

_NAME = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9._-]{0,98}[a-zA-Z0-9])?", re.ASCII)
_LONGEST_SUMMARY = 10_000
_LONGEST_URL = 2000


class VersionChecks:
    """What checks say about versions."""

    def __init__(self, stores: Stores, policies: Policies) -> None:
        self._stores = stores
        self._policies = policies

    def record(
        self,
        actor: Actor,
        namespace: str,
        name: str,
        artifact: str,
        version: str,
        check: str,
        verdict: CheckVerdict,
        *,
        summary: str = "",
        url: str | None = None,
    ) -> VersionCheck:
        """Records what a check says about a version; what was said before is kept, and does not count any more.

        Raises:
            InvalidInput: A name, summary or address that will not do.
            NotFound: There is no such version for this actor.
            NotPermitted: The actor is no maintainer, nor named by the policy for this check.
        """
        _require_fitting(check, summary, url)
        with self._stores.database.write() as tx:
            access = find_repo(tx, actor, namespace, name)
            access.require_scope(Action.PROMOTE)
            entitled = _entitled(self._policies.effective(tx, access.repo), check)
            is_reached = actor.is_within_limits(access.repo.full_name)
            if not is_reached or not any(one.allows(actor.username, access.role) for one in entitled):
                who = listed([str(one) for one in entitled], "or")
                raise NotPermitted(
                    f"The check '{check}' is recorded by {who}; you have the role {access.role.label}.",
                    code="not_a_checker",
                )
            row = _version(tx, access.repo, artifact, version)
            made = VersionCheck(
                artifact=artifact,
                commit=row.commit,
                name=check,
                verdict=verdict,
                summary=summary,
                url=url,
                user_id=actor.user_id,
                username=actor.username,
                at=self._stores.now(),
            )
            version_checks.add_check(tx, access.repo.id, made)
            record(
                tx,
                actor,
                "check.record",
                f"{access.repo.full_name} {artifact}@{row.version} {check}",
                repo=access.repo,
                verdict=verdict.value,
                commit=row.commit,
            )
        return made

    def get(
        self, actor: Actor, namespace: str, name: str, artifact: str, version: str, check: str
    ) -> VersionCheck:
        """The last that a check says about a version.

        Raises:
            NotFound: It has said nothing, or there is no such version for this actor.
        """
        found = self.list(actor, namespace, name, artifact, version, check=check)
        if not found:
            raise NotFound(f"There is no check '{check}' of {artifact} {version}.", code="no_check")
        return found[0]

    def list(
        self,
        actor: Actor,
        namespace: str,
        name: str,
        artifact: str,
        version: str,
        *,
        check: str | None = None,
        is_whole: bool = False,
    ) -> list[VersionCheck]:
        """The last that each check says about a version, by name; ``is_whole`` gives all, the newest first.

        Raises:
            NotFound: There is no such version for this actor.
        """
        with self._stores.database.read() as tx:
            repo = find_repo(tx, actor, namespace, name).repo
            row = _version(tx, repo, artifact, version)
            found = version_checks.checks_of(tx, repo.id, artifact, row.commit, check)
        if is_whole:
            return found
        last = {one.name: one for one in reversed(found)}
        return [last[key] for key in sorted(last)]


def _entitled(policy: EffectivePolicy, check: str) -> list[Entitled]:
    """Who may record a check: maintainers, and whoever the policy names for it."""
    named = [
        evidence.by
        for evidence in _evidence(policy)
        if evidence.check == check and evidence.by != MAINTAINERS
    ]
    return [MAINTAINERS, *dict.fromkeys(named)]


def _evidence(policy: EffectivePolicy) -> Iterator[CheckEvidence]:
    for one in policy.policies:
        for rule in one.stages:
            yield from (evidence for evidence in rule.evidence if isinstance(evidence, CheckEvidence))


def _version(tx: Transaction, repo: Repo, artifact: str, version: str) -> VersionRow:
    if version == "latest":
        row = registry_index.latest_row(tx, repo.id, artifact)
    else:
        row = registry_index.version_row(tx, repo.id, artifact, str(SemVer.parse_lenient(version)))
    if row is None:
        raise NotFound(
            f"There is no version {version} of '{artifact}' in {repo.full_name}.", code="no_version"
        )
    return row


def _require_fitting(check: str, summary: str, url: str | None) -> None:
    if not _NAME.fullmatch(check):
        raise InvalidInput(
            "The name of a check has 1 to 100 letters, digits, '.', '-' or '_', with a letter or a digit at both ends.",
            code="invalid_name",
        )
    if len(summary) > _LONGEST_SUMMARY or "\0" in summary:
        raise InvalidInput(
            f"A summary has at most {_LONGEST_SUMMARY} characters and no NUL.", code="invalid_text"
        )
    if url is not None and (
        len(url) > _LONGEST_URL or not url.startswith(("https://", "http://")) or not url.isprintable()
    ):
        raise InvalidInput("An address begins with https:// or http://.", code="invalid_url")
