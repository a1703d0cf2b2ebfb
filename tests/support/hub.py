"""A real hub: a server process on a free loopback port with a data folder of its own, and what tests ask of it."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import itertools
import json
import os
import re
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from modelkeep.blobs.store import BlobStore
from modelkeep.db import registry
from modelkeep.db.engine import open_database
from modelkeep.domain.access import ALL_SCOPES, Actor, Role, Scope, Visibility
from modelkeep.domain.repos import Repo
from modelkeep.git import push_hook
from modelkeep.git.repositories import Repositories
from modelkeep.identity.hub_keys import load_hub_keys
from modelkeep.identity.signing import Signer, load_or_create_key
from modelkeep.server.wiring import Hub as Services
from modelkeep.server.wiring import build_hub
from modelkeep.services.accounts import local_administrator
from modelkeep.services.ports import Rules, Stores, utc_now
from modelkeep.services.pushes import Transport
from modelkeep.services.tickets import Tickets
from tests.support.fingerprints import Fingerprint, fingerprint

REPOSITORY = Path(__file__).parents[2]
ADMIN_TOKEN = "mk_admin_token_of_the_tests"
ADMIN_PASSWORD = "correct horse battery"

_numbers = itertools.count(1)
_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # unused over http; a default one takes 30 ms to load
READY = re.compile(r"is ready at (http://\S+)")


@dataclass(frozen=True)
class User:
    """A user with a password and a token of all scopes."""

    name: str
    password: str
    token: str


@dataclass(frozen=True)
class HubRepo:
    """A repo of a hub, as a client knows it and as it lies on disk."""

    id: str
    namespace: str
    name: str
    url: str
    git_dir: Path

    @property
    def full_name(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def git_url(self) -> str:
        return f"{self.url}.git"

    @property
    def lfs_url(self) -> str:
        return f"{self.url}.git/info/lfs"

    def url_as(self, username: str, secret: str) -> str:
        """The address with credentials in it."""
        return self.git_url.replace("://", f"://{username}:{secret}@")


class HubProcess:
    """The server process; it can be killed and started again on the same data and port.

    Args:
        data: Its data folder.
        log: Where its output goes; later starts append.
        settings: ``MODELKEEP_…`` without the prefix, in lower case.
    """

    def __init__(self, data: Path, log: Path, **settings: object) -> None:
        self.data = data
        self.log = log
        self.url = ""
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def environment(self) -> dict[str, str]:
        """The process's environment, with the settings."""
        settings = {
            "data": self.data,
            "port": self.port if self.url else 0,
            "admin_password": ADMIN_PASSWORD,
            "admin_token": ADMIN_TOKEN,
            "log_format": "json",
            **self._settings,
        }
        env = {name: value for name, value in os.environ.items() if not name.startswith("MODELKEEP_")}
        env |= {f"MODELKEEP_{name.upper()}": str(value) for name, value in settings.items()}
        return env

    def start(self) -> None:
        """Starts the server and waits until it answers."""
        start = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.serve"],
                cwd=REPOSITORY,
                env=self.environment(),
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            ready = READY.search(line.decode())
            if ready:
                self.url = ready[1]
                return
        raise AssertionError(f"the hub did not start:\n{self.log.read_bytes()[start:].decode()}")

    def kill(self, *, with_children: bool = False) -> None:
        """Ends the process at once (SIGKILL), on demand with the git processes that it started."""
        assert self._process is not None
        children = descendants(self.pid) if with_children else []
        self._process.kill()
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        self._reap()

    def stop(self) -> int:
        """Asks the process to end and gives its exit code."""
        assert self._process is not None
        self._process.terminate()
        return self._reap()

    def _reap(self) -> int:
        assert self._process is not None
        assert self._process.stdout is not None
        code = self._process.wait(30)
        self._process.stdout.close()
        self._process = None
        return code


class Hub:
    """A running hub, and the same data folder opened in this process for what tests prepare and look at.

    Attributes:
        http: A client without credentials that all tests share.
    """

    def __init__(self, process: HubProcess) -> None:
        self.process = process
        self.secrets = {ADMIN_TOKEN, ADMIN_PASSWORD}
        data = process.data
        self.stores = Stores(
            open_database(f"sqlite:///{data / 'modelkeep.db'}"),
            Repositories(data / "repos"),
            BlobStore.open(data / "blobs"),
            Signer(load_or_create_key(data / "secret.key")),
            hub_keys=load_hub_keys(data),
        )
        self.rules = Rules()
        self.services: Services = build_hub(
            self.stores, self.rules, Transport(push_hook.install(data / "hooks-of-tests"))
        )
        self.local = local_administrator("test")
        self.http = self.client()

    @property
    def url(self) -> str:
        return self.process.url

    @property
    def blobs(self) -> Path:
        return self.process.data / "blobs"

    def close(self) -> None:
        self.http.close()
        self.stores.database.close()

    def user(self, prefix: str = "user", *, password: str | None = None) -> User:
        """A new user. Without a ``password`` it has none: hashing one takes a tenth of a second."""
        name = f"{prefix}{next(_numbers)}"
        self.services.accounts.create(self.local, name=name, password=password)
        if password is not None:
            self.secrets.add(password)
        return User(name, password or "", self.token(name))

    def token(
        self,
        user: str,
        *scopes: Scope,
        limits: Sequence[str] = (),
        expires_at: datetime | None = None,
    ) -> str:
        """A new token's secret; all scopes where none is named."""
        _, secret = self.services.tokens.create(
            self.local,
            user=user,
            name="test",
            scopes=scopes or ALL_SCOPES,
            limits=limits,
            expires_at=expires_at,
        )
        self.secrets.add(secret)
        return secret

    def expired_token(self, user: str) -> str:
        """A token that has ended."""
        before = replace(self.stores, now=lambda: utc_now() - timedelta(days=2))
        hub = build_hub(before, self.rules, Transport(self.process.data / "hooks-of-tests"))
        _, secret = hub.tokens.create(
            self.local, user=user, name="old", scopes=ALL_SCOPES, expires_at=utc_now() - timedelta(days=1)
        )
        self.secrets.add(secret)
        return secret

    def revoke(self, secret: str) -> None:
        """Ends a token."""
        actor = self.actor(secret)
        assert actor.token_id is not None
        self.services.tokens.revoke(self.local, actor.token_id)

    def actor(self, secret: str = ADMIN_TOKEN) -> Actor:
        return self.services.authentication.by_token(secret, "", "test")

    def org(self, *members: tuple[User, Role]) -> str:
        """A new organisation."""
        name = f"org{next(_numbers)}"
        self.services.organisations.create(
            self.local, name, members=[(user.name, role) for user, role in members]
        )
        return name

    def repo(
        self,
        *members: tuple[User, Role],
        namespace: str | None = None,
        visibility: Visibility = Visibility.PRIVATE,
        empty: bool = False,
    ) -> HubRepo:
        """A new repo, by default in an organisation of its own with these members."""
        place = namespace or self.org(*members)
        access = self.services.repos.create(
            self.local, place, f"repo{next(_numbers)}", visibility=visibility, empty=empty
        )
        if namespace is not None:
            for user, role in members:
                self.services.repo_members.set(self.local, place, access.repo.name, user.name, role)
        return self.known(access.repo)

    def known(self, repo: Repo) -> HubRepo:
        """What tests need of a repo."""
        return HubRepo(
            repo.id,
            repo.place,
            repo.name,
            f"{self.url}/{repo.address}",
            self.stores.repositories.path(repo.id),
        )

    def snapshot(self, repo_id: str) -> registry.Snapshot:
        """What the index says about a repo."""
        with self.stores.database.read() as tx:
            return registry.snapshot(tx, repo_id)

    def fingerprint(self, repo: HubRepo) -> Fingerprint:
        """Everything that a refused push or upload must leave as it was."""
        return fingerprint(self.stores, repo.id, self.blobs)

    def has_blob(self, content: bytes) -> bool:
        return self.stores.blobs.stat(hashlib.sha256(content).hexdigest()) is not None

    def tickets_at(self, moment: datetime) -> Tickets:
        """Tickets as they would have been signed at another time."""
        return Tickets(replace(self.stores, now=lambda: moment), self.rules)

    def request(self, method: str, path: str, secret: str | None = None, **options: Any) -> httpx.Response:
        """One request with a token, or without any credentials; ``options`` are httpx's."""
        headers = dict(options.pop("headers", {}))
        if secret:
            headers["Authorization"] = f"Bearer {secret}"
        return self.http.request(method, path, headers=headers, **options)

    def client(self, secret: str | None = None) -> httpx.Client:
        """An HTTP client, with a token or without any credentials."""
        headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30, trust_env=False, verify=_TLS)

    def log_text(self) -> str:
        return self.process.log.read_text("utf-8", "replace")

    def requests_about(self, method: str, text: str) -> list[dict[str, Any]]:
        """The log's entries of requests with this method whose path holds ``text``."""
        found = [json.loads(line) for line in self.log_text().splitlines() if text in line]
        return [entry for entry in found if entry.get("method") == method and text in entry["path"]]

    def leaks(self) -> list[str]:
        """The secrets that the log shows: tokens and passwords as they are or in Basic credentials, and tickets."""
        text = self.log_text()
        found = [secret for secret in sorted(self.secrets) if secret in text]
        found += [secret for secret in sorted(self.secrets) if _in_basic(secret, text)]
        found += re.findall(r"ticket=[^\s\"']{8,}", text)
        return found

    def mistakes(self) -> list[str]:
        """What the log says of unforeseen errors; a refusal is none."""
        found = []
        for line in self.log_text().splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                found.append(line)
                continue
            event = entry.get("event")
            if event in ("request_failed", "push_check_failed") or entry.get("level") in (
                "error",
                "critical",
            ):
                found.append(line)
        return found


@contextlib.contextmanager
def running_hub(folder: Path, **settings: object) -> Iterator[Hub]:
    """Starts a hub; at the end it stops, and its log must show neither a secret nor an unforeseen error."""
    process = HubProcess(folder / "data", folder / "hub.log", **settings)
    process.start()
    hub = Hub(process)
    try:
        yield hub
        code = process.stop()
    except BaseException:
        process.kill()
        raise
    finally:
        hub.close()
    assert hub.leaks() == []
    assert hub.mistakes() == []
    assert code == 0


def descendants(pid: int) -> list[int]:
    found = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, children.read_text().split()):
                found += [child, *descendants(child)]
    return found


def _in_basic(secret: str, text: str) -> bool:
    # Of "name:secret" in base64 the end is known whatever the name: three alignments.
    return any(base64.b64encode(b"x" * shift + secret.encode()).decode()[4:-4] in text for shift in range(3))
