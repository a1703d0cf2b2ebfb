"""Path tricks: no spelling of a path reaches a file, a repo or an endpoint that the plain spelling would not."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from modelkeep.domain.access import Role, Visibility
from tests.support.git import Git
from tests.support.hub import Hub, HubRepo
from tests.support.raw_http import Answer, request

Machine = Callable[..., Git]


@pytest.fixture(scope="module")
def public(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> HubRepo:
    owner = hub.user()
    repo = hub.repo((owner, Role.OWNER), visibility=Visibility.PUBLIC)
    git = Git(tmp_path_factory.mktemp("author"), owner.token)
    tree = git.clone(repo.git_url, "tree")
    git.commit(tree, {"dir/file.txt": "content\n", "100%.txt": "percent\n"})
    git("push", "-q", "origin", "main", "main:refs/heads/feature/x", cwd=tree)
    return repo


@pytest.fixture(scope="module")
def private(hub: Hub) -> HubRepo:
    return hub.repo((hub.user(), Role.OWNER))


def get(hub: Hub, target: str | bytes, *headers: tuple[str, str]) -> Answer:
    return request(hub.process.port, "GET", target, headers)


SECRETS = (
    "../modelkeep.db",
    "../secret.key",
    "../../secret.key",
    "config",
    "HEAD",
    "objects/info/packs",
    "etc/passwd",
)
TRICKS = [
    "/{ns}/{repo}/../{secret}",
    "/{ns}/{repo}.git/../../{secret}",
    "/{ns}/{repo}.git/%2e%2e/{secret}",
    "/{ns}/{repo}.git/%2E%2E%2F{secret}",
    "/{ns}/{repo}.git/..%2f..%2f{secret}",
    "/{ns}/{repo}.git/..%5c{secret}",
    "/{ns}/{repo}.git/..\\{secret}",
    "/{ns}/{repo}.git//{secret}",
    "/{ns}/{repo}.git/{secret}",
    "/{ns}/{repo}.git/%252e%252e/{secret}",
    "/{ns}/{repo}.git/{secret}%00.txt",
    "/{ns}/{repo}/{secret}",
    "/%2e%2e/{secret}",
    "//{secret}",
    "/api/v1/repos/{ns}/{repo}/files/main/{secret}",
    "/api/v1/repos/{ns}/{repo}/files/main/dir/../{secret}",
    "/api/v1/repos/{ns}/{repo}/files/main/..%2f{secret}",
    "/api/v1/repos/{ns}/{repo}/files/..%2f..%2f{secret}/x",
    "/api/v1/repos/{ns}/{repo}/files/main:{secret}/x",
    "/api/v1/repos/{ns}/{repo}/files/main/%2e%2e/{secret}",
    "/api/v1/repos/{ns}/{repo}/files/main//{secret}",
    "/{ns}/{repo}.git/info/lfs/objects/{secret}?ticket=x",
    "/{ns}/{repo}.git/info/lfs/objects/..%2f..%2f{secret}?ticket=x",
]


@pytest.mark.parametrize("trick", TRICKS)
def test_no_file_of_the_server_is_served(hub: Hub, public: HubRepo, trick: str) -> None:
    for secret in SECRETS:
        target = trick.format(ns=public.namespace, repo=public.name, secret=secret)
        answer = get(hub, target)
        assert 400 <= answer.status < 500, (target, answer)
        for private in (b"SQLite", b"repositoryformatversion", b"ref: refs", b"root:", bytes(public.git_dir)):
            assert private not in answer.body, target


@pytest.mark.parametrize(
    "target",
    [
        "/a%00b/c.git/info/refs",
        "/a/b%0d%0aX-Evil:%20yes.git/info/refs",
        "/a%0a/b.git/info/refs?service=git-upload-pack",
        "/a/b%7f/info/refs",
        "/a/%c3%28/info/refs",
        "/a/%ff/info/refs",
        "/a/%ed%a0%80/info/refs",
        "/a/%/info/refs",
        "/a/%zz/info/refs",
        "/a/b%e2%80%a8/info/refs",
        "/" + "a/" * 5000,
        "/a/" + "b" * 9000,
        "/a/" + "%41" * 3000,
    ],
    ids=lambda target: str(target)[:25],
)
def test_malformed_paths_are_refused_in_words(hub: Hub, target: str) -> None:
    answer = get(hub, target)
    assert answer.status == 400
    problem = json.loads(answer.body)
    assert problem["code"] in ("invalid_path", "path_too_long")
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert "x-evil" not in answer.headers


@pytest.mark.parametrize(
    "target", [b"/a\x00b", b"/a\x01b", b"/a b", b"/\xff\xfe", b"*", b"http://[", b"/\\..\\x"]
)
def test_bytes_that_are_no_target_at_all(hub: Hub, target: bytes) -> None:
    answer = get(hub, target)
    assert answer.status == 0 or 400 <= answer.status < 500


@pytest.mark.parametrize(
    "name",
    [
        "..",
        ".",
        "-",
        "...",
        "a..b",
        ".git",
        "a.git",
        "a.lock",
        "-rf",
        "--upload-pack=touch",
        "a b",
        "a\tb",
        "a/b",
        "a\\b",
        "a:b",
        "a\0b",
        "a\nb",
        "a%2fb",
        "ä",
        "\u202egnp",
        "a" * 97,
        "",
        " ",
        "con.ipynb",
        "~",
        "$(id)",
        "`id`",
        "'",
        '"',
        "*",
        "a.",
        "settings",
    ],
    ids=ascii,
)
def test_names_that_no_repo_may_have(hub: Hub, name: str) -> None:
    owner = hub.user()
    answer = hub.request("POST", "/api/v1/repos", owner.token, json={"namespace": owner.name, "name": name})
    assert answer.status_code in (400, 422), answer.text
    assert answer.json()["code"] in ("invalid_name", "reserved_name", "invalid_input")
    listed = hub.request("GET", f"/api/v1/repos?namespace={owner.name}", owner.token)
    assert listed.json()["items"] == []


@pytest.mark.parametrize(
    "name", ["api", "v2", "healthz", "admin", "-", "..", "a/b", "static", "login", "%2e%2e", "a" * 65]
)
def test_names_that_no_organisation_may_have(hub: Hub, name: str) -> None:
    owner = hub.user()
    answer = hub.request("POST", "/api/v1/orgs", owner.token, json={"name": name})
    assert answer.status_code in (400, 422), answer.text


@pytest.mark.parametrize(
    "branch",
    [
        "..",
        "a..b",
        "-x",
        "a.lock",
        "a/.b",
        "a//b",
        "/a",
        "a/",
        "a b",
        "a~1",
        "a^",
        "a:b",
        "a?b",
        "a*",
        "a[b",
        "a\\b",
        "a\0b",
        "a\nb",
        "@{-1}",
        "refs/../../config",
        "a" * 5000,
        "",
        "HEAD/..",
        "a\x7f",
    ],
    ids=lambda branch: ascii(branch)[:20],
)
def test_names_that_no_branch_may_have(hub: Hub, branch: str) -> None:
    owner = hub.user()
    repo = hub.repo((owner, Role.OWNER))
    before = hub.fingerprint(repo)
    base = f"/api/v1/repos/{repo.full_name}"
    for path, body in (
        ("/branches", {"name": branch, "from": "main"}),
        ("/tags", {"name": branch, "from": "main"}),
    ):
        answer = hub.request("POST", f"{base}{path}", owner.token, json=body)
        assert 400 <= answer.status_code < 500, (path, answer.text)
    assert hub.fingerprint(repo) == before


@pytest.mark.parametrize(
    "path",
    [
        "..",
        "../x",
        "a/../b",
        "/etc/passwd",
        "a//b",
        "a/",
        "./a",
        ".git/config",
        "a/.GIT/hooks/x",
        "git~1/x",
        "a\0b",
        ".g\u200cit/config",
        "a/./b",
        "",
        "dir/..",
        "C:\\x\\..\\..\\y\0",
    ],
    ids=ascii,
)
def test_paths_that_no_committed_file_may_have(hub: Hub, path: str) -> None:
    owner = hub.user()
    repo = hub.repo((owner, Role.OWNER))
    before = hub.fingerprint(repo)
    answer = hub.request(
        "POST",
        f"/api/v1/repos/{repo.full_name}/commits",
        owner.token,
        json={"branch": "main", "message": "x", "operations": [{"op": "add", "path": path, "content": "x"}]},
    )
    assert 400 <= answer.status_code < 500, answer.text
    assert hub.fingerprint(repo) == before


def test_an_encoded_slash_is_data(hub: Hub, public: HubRepo, private: HubRepo) -> None:
    base = f"/api/v1/repos/{public.full_name}"
    assert get(hub, f"{base}/files/feature%2Fx/dir/file.txt").body == b"content\n"
    assert get(hub, f"{base}/files/main/100%25.txt").body == b"percent\n"
    # Not a way to name another repo, and not decoded twice.
    for target in (
        f"/api/v1/repos/{public.namespace}/{public.name}%2F..%2F{private.name}",
        f"/api/v1/repos/{public.namespace}%2F{public.name}",
        f"{base}/files/feature%252Fx/dir/file.txt",
        f"/{public.namespace}%2F{public.name}.git/info/refs?service=git-upload-pack",
        f"/{private.namespace}%2f{private.name}/info/refs?service=git-upload-pack",
        f"{base}/files/main%2Fdir/file.txt",
    ):
        assert get(hub, target).status in (400, 401, 404), target


def test_links_in_a_repo_lead_nowhere(hub: Hub, machine: Machine) -> None:
    owner = hub.user()
    repo = hub.repo((owner, Role.OWNER), visibility=Visibility.PUBLIC)
    git = machine(owner.token)
    tree = git.clone(repo.git_url, "tree")
    (tree / "link").symlink_to("/etc/passwd")
    (tree / "up").symlink_to("../../../../secret.key")
    (tree / "folder").symlink_to("/etc")
    (tree / "model.bin").symlink_to("/etc/hostname")
    git("add", "-A", cwd=tree)
    git("commit", "-q", "-m", "Links", cwd=tree)
    git("push", "-q", "origin", "main", cwd=tree)
    base = f"/api/v1/repos/{repo.full_name}/files/main"
    for path, target in (
        ("link", b"/etc/passwd"),
        ("up", b"../../../../secret.key"),
        ("model.bin", b"/etc/hostname"),
    ):
        answer = get(hub, f"{base}/{path}")
        assert (answer.status, answer.body) == (200, target)
    assert get(hub, f"{base}/folder/passwd").status == 404
    items = hub.request("GET", f"/api/v1/repos/{repo.full_name}/tree/main").json()["items"]
    assert {item["path"]: item["kind"] for item in items}["link"] == "link"


@pytest.mark.parametrize(
    "url", ["file:///etc", "ext::sh -c touch% /tmp/owned", "/etc", "ssh://-oProxyCommand=x/y", "../../x"]
)
def test_submodules_are_never_fetched_by_the_server(hub: Hub, machine: Machine, url: str) -> None:
    owner = hub.user()
    repo = hub.repo((owner, Role.OWNER), visibility=Visibility.PUBLIC)
    git = machine(owner.token)
    tree = git.clone(repo.git_url, "tree")
    git.commit(tree, {".gitmodules": f'[submodule "x"]\n\tpath = x\n\turl = {url}\n'})
    head = git("rev-parse", "HEAD", cwd=tree)
    git("update-index", "--add", "--cacheinfo", f"160000,{head},x", cwd=tree)
    git("commit", "-q", "-m", "Submodule", cwd=tree)
    done = git.attempt("push", "-q", "origin", "main", cwd=tree)
    if done.code == 0:
        items = hub.request("GET", f"/api/v1/repos/{repo.full_name}/tree/main").json()["items"]
        assert {item["path"]: item["kind"] for item in items}["x"] == "submodule"
        assert get(hub, f"/api/v1/repos/{repo.full_name}/files/main/x").status in (404, 422)
    else:
        assert "gitmodules" in done.err


def test_dumb_protocol_files_are_not_served(hub: Hub, public: HubRepo, machine: Machine) -> None:
    for path in (
        "HEAD",
        "config",
        "description",
        "info/refs",
        "objects/info/packs",
        "objects/info/alternates",
        "packed-refs",
        "objects/pack/",
        "refs/heads/main",
        "hooks/pre-receive",
        "objects/00/" + "0" * 38,
        "logs/HEAD",
        "modelkeep.lock",
    ):
        for suffix in ("", ".git"):
            assert get(hub, f"/{public.full_name}{suffix}/{path}").status in (400, 404), path
    git = machine()
    done = git.attempt("clone", public.git_url, "tree", env={"GIT_SMART_HTTP": "0"})
    assert done.code != 0
