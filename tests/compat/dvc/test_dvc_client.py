"""``dvc artifacts get``, unmodified, downloads from the hub; what it asks for is answered as DVC Studio does."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from modelkeep.domain.access import Role, Scope, Visibility
from modelkeep.services.ports import utc_now
from modelkeep.services.tickets import Act
from tests.compat.dvc.conftest import Dvc
from tests.support.git import Git
from tests.support.hub import Hub, HubRepo, User

URIS = "/api/model-registry/get-download-uris"
ANNOTATIONS = """\
churn:
  path: models/churn
  type: model
note:
  path: README.txt
web:
  path: https://example.org/files/web.onnx?raw=1
bucket:
  path: s3://bucket/model.onnx
tracked:
  path: data.bin
gone:
  path: nowhere
"""
WEIGHTS = {"v1.0.0": os.urandom(70_000), "v1.1.0": os.urandom(60_000)}


@dataclass(frozen=True)
class Model:
    """A repo whose artifact has v1.0.0 in prod and v1.1.0; its owner, and a stranger."""

    hub: Hub
    repo: HubRepo
    owner: User
    stranger: User

    def ask(self, secret: str | None = None, **query: str) -> httpx.Response:
        query = {"repo": self.repo.git_url, "name": "churn"} | query
        headers = {"Authorization": f"token {secret or self.owner.token}"} if secret != "" else {}
        return self.hub.http.get(URIS, params=query, headers=headers)

    def uris(self, **query: str) -> dict[str, str]:
        answer = self.ask(**query)
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "no-store"
        found: dict[str, str] = answer.json()
        return found


@pytest.fixture(scope="module")
def model(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> Model:
    owner, stranger = hub.user(), hub.user()
    repo = hub.repo((owner, Role.OWNER))
    folder = tmp_path_factory.mktemp("model")
    git = Git(folder / "home", owner.token)
    git("clone", "-q", repo.git_url, folder / "tree")
    tree = folder / "tree"
    for number, (version, weights) in enumerate(WEIGHTS.items()):
        files: dict[str, bytes | str] = {
            "artifacts.yaml": ANNOTATIONS,
            "README.txt": "read me\n",
            "data.bin.dvc": "outs:\n- md5: d41d8cd98f00b204e9800998ecf8427e\n  path: data.bin\n",
            "models/churn/model.onnx": weights,
            "models/churn/sub dir/params#1.yaml": f"number: {number}\n",
            "zoo/dvc.yaml": "artifacts:\n  cat:\n    path: cat.txt\n    type: model\n",
            "zoo/cat.txt": f"cat {number}\n",
        }
        for path, content in files.items():
            file = tree / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content if isinstance(content, bytes) else content.encode())
        git("add", "-A", cwd=tree)
        git("commit", "-q", "-m", version, cwd=tree)
        git("push", "-q", cwd=tree)
        actor = hub.actor(owner.token)
        for artifact in ("churn", "note", "web", "bucket", "tracked", "gone", "zoo:cat", "bare"):
            hub.services.versions.register(actor, repo.namespace, repo.name, artifact, version=version)
    for artifact in ("churn", "zoo:cat"):
        hub.services.stages.promote(actor, repo.namespace, repo.name, artifact, "prod", version="v1.0.0")
    return Model(hub, repo, owner, stranger)


@pytest.mark.parametrize(
    ("choice", "version"), [(["--stage", "prod"], "v1.0.0"), (["--rev", "v1.1.0"], "v1.1.0"), ([], "v1.1.0")]
)
def test_dvc_artifacts_get(model: Model, dvc: Dvc, tmp_path: Path, choice: list[str], version: str) -> None:
    out = tmp_path / "out"
    done = dvc(
        ["dvc", "artifacts", "get", model.repo.git_url, "churn", *choice, "-o", out], model.owner.token
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Downloaded 2 file(s)" in done.stdout
    assert (out / "models/churn/model.onnx").read_bytes() == WEIGHTS[version]
    number = list(WEIGHTS).index(version)
    assert (out / "models/churn/sub dir/params#1.yaml").read_text() == f"number: {number}\n"


def test_dvc_gets_an_artifact_of_a_directory(model: Model, dvc: Dvc, tmp_path: Path) -> None:
    for number, name in enumerate(("zoo:cat", "zoo/dvc.yaml:cat")):
        out = tmp_path / f"out{number}"
        command = ["dvc", "artifacts", "get", model.repo.git_url, name, "--stage", "prod", "-o", out]
        done = dvc(command, model.owner.token)
        assert done.returncode == 0, done.stdout + done.stderr
        assert (out / "zoo/cat.txt").read_text() == "cat 0\n"


def test_what_dvc_studio_client_is_told(model: Model, dvc: Dvc) -> None:
    program = (
        "import json, sys\nfrom dvc_studio_client.model_registry import get_download_uris\n"
        "url, name, query = sys.argv[1:]\n"
        "query = json.loads(query)\n"
        "try: print(json.dumps(get_download_uris(url, name, studio_repo_url=url, **query)))\n"
        "except ValueError as error: print(json.dumps(str(error)))"
    )

    def ask(token: str, name: str, **query: str) -> Any:
        done = dvc(["python", "-c", program, model.repo.git_url, name, json.dumps(query)], token)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    found = ask(model.owner.token, "churn", version="v1.0.0")
    assert sorted(found) == ["models/churn/model.onnx", "models/churn/sub dir/params#1.yaml"]
    assert "no version v9.9.9" in ask(model.owner.token, "churn", version="v9.9.9")
    assert "or you may not see it" in ask(model.stranger.token, "churn")


def test_a_signed_url_needs_nothing_else(model: Model) -> None:
    found = model.uris(version="1.0.0")
    for path, content in (
        ("models/churn/model.onnx", WEIGHTS["v1.0.0"]),
        ("models/churn/sub dir/params#1.yaml", b"number: 0\n"),
    ):
        whole = model.hub.http.get(found[path])
        assert (whole.status_code, whole.content) == (200, content)
        assert whole.headers["content-length"] == str(len(content))
        assert whole.headers["content-disposition"] == "attachment"
        assert whole.headers["x-content-type-options"] == "nosniff"
        assert whole.headers["accept-ranges"] == "bytes"
        part = model.hub.http.get(found[path], headers={"Range": "bytes=2-5"})
        assert (part.status_code, part.content) == (206, content[2:6])
        head = model.hub.http.head(found[path])
        assert (head.status_code, head.headers["content-length"]) == (200, str(len(content)))
        assert model.hub.http.get(found[path], headers={"Range": f"bytes={len(content)}-"}).status_code == 416
        other = "f" * 40 if "files/" in found[path] else "f" * 64
        forged = found[path].replace(found[path].split("?")[0].rsplit("/", 1)[1], other)
        assert model.hub.http.get(forged).status_code == 403
        assert model.hub.http.get(found[path][:-1]).status_code == 403
        assert model.hub.http.get(found[path].split("?")[0]).status_code == 403


def test_a_ticket_is_for_its_own_door(model: Model) -> None:
    found = model.uris(version="v1.0.0")
    lfs = found["models/churn/model.onnx"].partition("?ticket=")
    git = found["models/churn/sub dir/params#1.yaml"].partition("?ticket=")
    assert model.hub.http.get(f"{lfs[0]}?ticket={git[2]}").status_code == 403
    assert model.hub.http.get(f"{git[0]}?ticket={lfs[2]}").status_code == 403


def test_signed_urls_end(model: Model) -> None:
    blob = model.uris()["models/churn/sub dir/params#1.yaml"].split("/files/")[1].split("?")[0]
    actor = model.hub.actor(model.owner.token)
    for hours, status in ((0.5, 200), (1.1, 403)):
        tickets = model.hub.tickets_at(utc_now() - timedelta(hours=hours))
        text = tickets.issue(Act.READ, actor, model.repo.id, blob, 10)
        answer = model.hub.http.get(f"/api/model-registry/files/{blob}?ticket={text}")
        assert answer.status_code == status, answer.text


def test_signed_urls_end_with_the_token(model: Model) -> None:
    token = model.hub.token(model.owner.name, Scope.READ)
    found = model.ask(token).json()
    assert [model.hub.http.get(url).status_code for url in found.values()] == [200, 200]
    model.hub.revoke(token)
    assert [model.hub.http.get(url).status_code for url in found.values()] == [403, 401]


def test_every_form_of_the_address(model: Model) -> None:
    host = model.hub.url.removeprefix("http://")
    full = model.repo.full_name
    expected = set(model.uris())
    for address in (
        f"http://{host}/{full}",
        f"http://{host}/{full}/",
        f"https://{host}/{full}.git",
        f"http://somebody:secret@{host}/{full}.git",
        f"git@models.example.org:{full}.git",
        f"models.example.org:/{full}",
        f"ssh://git@models.example.org:2222/{full}.git",
        f"https://proxy.example.org/hub/{full.upper()}.git",
    ):
        assert set(model.uris(repo=address)) == expected, address


def test_a_former_name(hub: Hub) -> None:
    user = hub.user()
    repo = hub.repo((user, Role.OWNER))
    actor = hub.actor(user.token)
    hub.services.versions.register(actor, repo.namespace, repo.name, "m")
    hub.services.repos.move(actor, repo.namespace, repo.name, new_name="renamed")
    query = {"repo": repo.git_url, "name": "m"}
    answer = hub.http.get(URIS, params=query, headers={"Authorization": f"token {user.token}"})
    assert answer.status_code == 200, answer.text
    assert all(hub.http.get(url).status_code == 200 for url in answer.json().values())


def test_links(model: Model) -> None:
    assert model.uris(name="web") == {"web.onnx": "https://example.org/files/web.onnx?raw=1"}
    refused = model.ask(name="bucket")
    assert (refused.status_code, refused.headers["content-type"]) == (400, "text/plain; charset=utf-8")
    assert "s3://bucket/model.onnx" in refused.text


def test_without_an_annotation_it_is_the_whole_repo(model: Model) -> None:
    assert {"README.txt", "models/churn/model.onnx", "artifacts.yaml"} <= set(model.uris(name="bare"))
    assert set(model.uris(name="note")) == {"README.txt"}


@pytest.mark.parametrize(
    ("query", "status", "text"),
    [
        ({"version": "v9.9.9"}, 404, "v9.9.9"),
        ({"version": "nine"}, 400, "not a version"),
        ({"stage": "dev"}, 404, "stage 'dev'"),
        ({"stage": "-"}, 400, "cannot name a stage"),
        ({"version": "v1.0.0", "stage": "prod"}, 400, "not both"),
        ({"name": "other"}, 404, "other"),
        ({"name": "a b"}, 400, "artifact"),
        ({"name": ""}, 400, "'name' is missing"),
        ({"name": "tracked"}, 404, "tracked by DVC"),
        ({"name": "gone"}, 404, "nowhere"),
        ({"repo": ""}, 400, "'repo' is missing"),
        ({"repo": "https://hub.example.org/acme"}, 400, "clone URL"),
        ({"repo": "C:\\models"}, 400, "clone URL"),
        ({"repo": "https://a:s3cret@hub.example.org/x"}, 400, "clone URL"),
        ({"repo": "https://hub.example.org/no/such"}, 404, "no repo"),
        ({"repo": "x" * 3000}, 400, "clone URL"),
    ],
)
def test_what_is_refused_and_why(model: Model, query: dict[str, str], status: int, text: str) -> None:
    answer = model.ask(**query)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/plain; charset=utf-8")
    assert text in answer.text
    assert "s3cret" not in answer.text


def test_who_may_not_read_learns_nothing(model: Model) -> None:
    there, nowhere = model.ask(model.stranger.token), model.ask(model.stranger.token, repo="x:no/such")
    assert (there.status_code, nowhere.status_code) == (404, 404)
    assert there.text.replace(model.repo.full_name, "no/such") == nowhere.text
    assert model.ask("").status_code == 401
    assert model.ask("mk_wrong").status_code == 401


def test_anybody_downloads_from_a_public_repo(hub: Hub) -> None:
    user = hub.user()
    repo = hub.repo((user, Role.OWNER), visibility=Visibility.PUBLIC)
    hub.services.versions.register(hub.actor(user.token), repo.namespace, repo.name, "m")
    found = hub.http.get(URIS, params={"repo": repo.url, "name": "m"}).json()
    assert found
    assert all(hub.http.get(url).status_code == 200 for url in found.values())


def test_a_thousand_files(hub: Hub, machine: Callable[..., Git], tmp_path: Path) -> None:
    user = hub.user()
    repo = hub.repo((user, Role.OWNER))
    git = machine(user.token)
    tree = tmp_path / "tree"
    git("clone", "-q", repo.git_url, tree)
    (tree / "artifacts.yaml").write_text("m:\n  path: files\n")
    for number in range(1000):
        file = tree / "files" / str(number % 10) / f"{number}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(str(number))
    git("add", "-A", cwd=tree)
    git("commit", "-q", "-m", "many", cwd=tree)
    git("push", "-q", cwd=tree)
    hub.services.versions.register(hub.actor(user.token), repo.namespace, repo.name, "m")
    query = {"repo": repo.url, "name": "m"}
    headers = {"Authorization": f"token {user.token}"}
    answer = hub.http.get(URIS, params=query, headers=headers, timeout=5)  # what DVC waits
    assert len(answer.json()) == 1000
    assert hub.http.get(answer.json()["files/7/777.txt"]).text == "777"
