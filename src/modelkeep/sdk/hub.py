"""The hub, as something to work with."""

from __future__ import annotations

from types import TracebackType

from modelkeep.sdk.accounts import Organisations, Tokens
from modelkeep.sdk.addresses import normalise_url
from modelkeep.sdk.credentials import choose_login
from modelkeep.sdk.http import Connection
from modelkeep.sdk.models import Artifact, Identity
from modelkeep.sdk.repo import RepoHandle
from modelkeep.sdk.repos import Repos
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
        orgs: Organisations and their members.
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

    def __enter__(self) -> Hub:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Hub({self.url!r})"

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

    def registry(self, *, namespace: str | None = None, query: str | None = None) -> list[Artifact]:
        """The artifacts of all repos that the caller may read."""
        params = {"namespace": namespace, "query": query}
        return [Artifact.read(record) for record in self._connection.pages("/api/v1/registry", params)]
