"""The hub, as something to work with."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from types import TracebackType

from modelkeep.sdk.accounts import Organisations, Tokens
from modelkeep.sdk.addresses import normalise_url, split_repo
from modelkeep.sdk.credentials import choose_login
from modelkeep.sdk.handle import When, when
from modelkeep.sdk.http import Connection, Params
from modelkeep.sdk.imports import Imports
from modelkeep.sdk.keys import Keys
from modelkeep.sdk.listings import Listing
from modelkeep.sdk.models import Identity
from modelkeep.sdk.models_policy import PolicyProblem, PromotionRequest
from modelkeep.sdk.models_registry import Artifact, Change, RegistryEvent, Stage
from modelkeep.sdk.models_storage import Collected, HubStorage
from modelkeep.sdk.registry_reading import (
    ARTIFACT_COLUMNS,
    EVENT_COLUMNS,
    STAGE_COLUMNS,
    history_filters,
)
from modelkeep.sdk.repo import RepoHandle
from modelkeep.sdk.repos import Repos
from modelkeep.sdk.requests import all_requests
from modelkeep.sdk.retries import RetryPolicy


class Hub:
    """A Modelkeep hub. Use it with ``with``, or call :meth:`close` at the end; threads may share it.

    ::

        with Hub("https://hub.example.org", token="mk_…") as hub:
            hub.repos.create("acme/churn")
            repo = hub.repo("acme/churn")
            repo.upload("trained/", message="Train on October")
            repo.register("churn")
            repo.promote("churn", "prod", version="v1.0.0")
            repo.download("models/churn", stage="prod")

    Args:
        url: Where it is; else ``MODELKEEP_URL``, else the hub of the last ``modelkeep login``.
        token: Else ``MODELKEEP_TOKEN``, else the one that a log-in saved for this URL, else anonymous.
        timeout: Seconds without a byte after which a connection counts as cut.
        policy: How often and after how long to try again.

    Attributes:
        url: The hub's URL.
        repos: All repos: list, create, change, delete.
        tokens: One's own access tokens.
        orgs: Organisations, their members, policies and webhooks.
        keys: SSH keys that tags are signed with.
        imports: Repos that are taken over from other hubs.
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        timeout: float = 60.0,
        policy: RetryPolicy | None = None,
    ) -> None:
        chosen, credential = choose_login(url, token)
        self._take(Connection(chosen, credential, timeout=timeout, policy=policy))

    @classmethod
    def with_password(
        cls, url: str, username: str, password: str, *, policy: RetryPolicy | None = None
    ) -> Hub:
        """A hub that one speaks to with a password, which is good for making a token and little else."""
        hub = cls.__new__(cls)
        hub._take(Connection(normalise_url(url), password=(username, password), policy=policy))
        return hub

    def _take(self, connection: Connection) -> None:
        self._connection = connection
        self.url = connection.url
        self.repos = Repos(connection)
        self.tokens = Tokens(connection)
        self.orgs = Organisations(connection)
        self.keys = Keys(connection)
        self.imports = Imports(connection)

    def __enter__(self) -> Hub:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Hub({self.url!r})"

    def _repr_html_(self) -> str:
        return f"<p>Modelkeep hub <code>{escape(self.url)}</code></p>"

    def close(self) -> None:
        """Closes the connections."""
        self._connection.close()

    def repo(self, name: str) -> RepoHandle:
        """The repo ``namespace/name``; asks nothing yet."""
        return RepoHandle(self._connection, name)

    def whoami(self) -> Identity:
        """Whom the hub takes the caller for."""
        return Identity.read(self._connection.get("/api/v1/whoami"))

    def version(self) -> str:
        """The hub's version."""
        return self._connection.get("/api/v1/version").text("version")

    def registry(
        self,
        *,
        namespace: str | None = None,
        repo: str | None = None,
        query: str | None = None,
        labels: Sequence[str] = (),
        stage: str | None = None,
        type: str | None = None,
        is_deprecated: bool | None = False,
        sort: str | None = None,
        at: When | None = None,
    ) -> Listing[Artifact]:
        """The artifacts of all repos that the caller may read.

        Args:
            namespace: Only of this one.
            repo: Only of this one, ``namespace/name``.
            query: Words to search for.
            labels: Only with all of these.
            stage: Only where a version holds this stage.
            type: Only of this type.
            is_deprecated: True for deprecated ones only, None for all.
            sort: ``name``, ``updated``, ``-updated``, ``-versions`` or ``latest``.
            at: As it was at that time.
        """
        params: Params = {
            **_within(namespace, repo),
            "query": query,
            "label": [*labels] or None,
            "stage": stage,
            "type": type,
            "deprecated": "include" if is_deprecated is None else str(is_deprecated).lower(),
            "sort": sort,
            "at": when(at),
        }
        columns = ("repo", *ARTIFACT_COLUMNS)
        return Listing(self._connection, "/api/v1/registry", Artifact.read, params, columns=columns)

    def stages(
        self,
        *,
        namespace: str | None = None,
        repo: str | None = None,
        stage: str | None = None,
        query: str | None = None,
        at: When | None = None,
    ) -> Listing[Stage]:
        """Who holds which stage, in all repos that the caller may read, now or at a time."""
        params = {**_within(namespace, repo), "stage": stage, "query": query, "at": when(at)}
        columns = ("repo", *STAGE_COLUMNS)
        return Listing(self._connection, "/api/v1/registry/stages", Stage.read, params, columns=columns)

    def history(
        self,
        *,
        namespace: str | None = None,
        repo: str | None = None,
        artifact: str | None = None,
        stage: str | None = None,
        version: str | None = None,
        event: str | None = None,
        author: str | None = None,
        since: When | None = None,
        until: When | None = None,
        is_ascending: bool = False,
    ) -> Listing[RegistryEvent]:
        """What happened in the registry, the latest first; see :meth:`modelkeep.sdk.repo.RepoHandle.history`."""
        params = {
            **_within(namespace, repo),
            **history_filters(
                artifact, stage, version, event, author, since, until, is_ascending=is_ascending
            ),
        }
        columns = ("repo", *EVENT_COLUMNS)
        return Listing(
            self._connection, "/api/v1/registry/history", RegistryEvent.read, params, columns=columns
        )

    def diff(
        self,
        since: When,
        until: When | None = None,
        *,
        namespace: str | None = None,
        repo: str | None = None,
        stage: str | None = None,
    ) -> Listing[Change]:
        """What changed in the stages between two points in time; ``until`` is now if left out."""
        params = {
            **_within(namespace, repo),
            "from": when(since),
            "to": when(until),
            "stage": stage,
        }
        columns = ("repo", "artifact", "stage", "before", "after")
        return Listing(self._connection, "/api/v1/registry/diff", Change.read, params, columns=columns)

    def storage(self) -> HubStorage:
        """How much room all repos take, for administrators of the hub."""
        return HubStorage.read(self._connection.get("/api/v1/storage"))

    def collect_storage(self, *, is_dry: bool = False) -> Collected:
        """Removes what no repo can reach and was of no use for the time of grace, for administrators of the hub.

        Args:
            is_dry: Only counts it.
        """
        return Collected.read(self._connection.post("/api/v1/storage/collect", {"dry_run": is_dry}))

    def requests(self, *, state: str | None = None, role: str | None = None) -> Listing[PromotionRequest]:
        """Promotion requests of all repos that the caller may see.

        Args:
            state: Such as ``open``.
            role: ``reviewer`` for those that the caller may review, ``proposer`` for the caller's own.
        """
        return all_requests(self._connection, state=state, role=role)

    def check_policy(self, text: str) -> tuple[PolicyProblem, ...]:
        """What is wrong with a policy before it is pushed; empty for one that would work."""
        answer = self._connection.post("/api/v1/policy/validate", {"text": text}, is_repeatable=True)
        return tuple(map(PolicyProblem.read, answer.records("problems")))

    def policy_schema(self) -> dict[str, object]:
        """The JSON Schema of policies."""
        return dict(self._connection.get("/api/v1/policy/schema").fields)


def _within(namespace: str | None, repo: str | None) -> dict[str, str | None]:
    """The query parameters for a namespace, or for a repo by its full name."""
    if repo is None:
        return {"namespace": namespace}
    owner, name = split_repo(repo)
    return {"namespace": owner, "repo": name}
