"""Signed tags: real ``git tag -s`` and forged ones are pushed, and the hub says whose key signed what."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from modelkeep.domain.access import Role
from tests.support.git import Git
from tests.support.hub import Hub, HubRepo, User
from tests.support.ssh import SshKey

Machine = Callable[..., Git]


@dataclass
class Signer:
    """Somebody with a clone and an SSH key that the hub knows."""

    hub: Hub
    user: User
    repo: HubRepo
    git: Git
    tree: Path
    key: SshKey
    key_id: int

    def signature(self, tag: str, repo: HubRepo | None = None) -> tuple[str, str | None]:
        """Status and signer of a tag, as the hub says."""
        place = (repo or self.repo).full_name
        path = f"/api/v1/repos/{place}/tags/{quote(tag, safe='')}/signature"
        answer = self.hub.request("GET", path, self.user.token)
        assert answer.status_code == 200, answer.text
        return answer.json()["status"], answer.json()["signer"]

    def tag(self, name: str, *options: str, revision: str = "HEAD") -> None:
        """Makes a signed tag and pushes it."""
        self.git("tag", *(options or ("-s",)), "-m", "Reviewed by me", name, revision, cwd=self.tree)
        self.git("push", "-q", "origin", name, cwd=self.tree)

    def content(self, tag: str) -> bytes:
        return self.git("cat-file", "tag", tag, cwd=self.tree).encode() + b"\n"

    def payload(self, tag: str) -> bytes:
        """What ``git tag -s`` would sign of a tag by this name."""
        head = self.git("rev-parse", "HEAD", cwd=self.tree)
        return (
            f"object {head}\ntype commit\ntag {tag}\ntagger Ada Lovelace <ada@example.org> 1760000000 +0000\n\n"
            "Reviewed by me\n"
        ).encode()

    def push(self, tag: str, content: bytes) -> None:
        """Pushes a tag object of exactly these bytes."""
        made = self.git(
            "hash-object", "-t", "tag", "-w", "--literally", "--stdin", cwd=self.tree, input=content
        )
        self.git("update-ref", f"refs/tags/{tag}", made, cwd=self.tree)
        self.git("push", "-q", "origin", f"refs/tags/{tag}", cwd=self.tree)

    def delete_key(self, query: str = "") -> None:
        answer = self.hub.request("DELETE", f"/api/v1/user/keys/{self.key_id}{query}", self.user.token)
        assert answer.status_code == 204, answer.text

    def arriving(self, tag: str) -> str:
        """The status that the gate would see if the tag came now."""
        target = self.git("rev-parse", tag, cwd=self.tree)
        return str(self.hub.services.signatures.verify(self.repo.git_dir, None, target).status)


@pytest.fixture
def ada(hub: Hub, machine: Machine, tmp_path: Path) -> Signer:
    user = hub.user("ada")
    repo = hub.repo((user, Role.MAINTAINER))
    git, key = machine(user.token), SshKey(tmp_path / "ssh")
    key.configure(git)
    answer = hub.request("POST", "/api/v1/user/keys", user.token, json={"key": key.public})
    assert answer.status_code == 201, answer.text
    tree = git.clone(repo.git_url, "tree")
    git.commit(tree, {"model.txt": "weights\n"})
    git("push", "-q", "origin", "main", cwd=tree)
    return Signer(hub, user, repo, git, tree, key, answer.json()["id"])


def test_a_tag_signed_by_git_is_good_and_names_its_signer(ada: Signer) -> None:
    ada.tag("m@v1.0.0")
    ada.tag("release")
    ada.tag("m#prod#1", "-a")
    assert ada.signature("m@v1.0.0") == ("good", ada.user.name)
    assert ada.signature("release") == ("good", ada.user.name)
    assert ada.signature("m#prod#1") == ("none", None)


@pytest.mark.parametrize(
    "options", [("-t", "ecdsa", "-b", "256"), ("-t", "ecdsa", "-b", "521"), ("-t", "rsa", "-b", "2048")]
)
def test_keys_of_other_types_sign_too(ada: Signer, tmp_path: Path, options: tuple[str, ...]) -> None:
    key = SshKey(tmp_path / "more", "other", *options)
    key.configure(ada.git)
    ada.tag("before")
    assert ada.signature("before") == ("unknown_key", None)
    answer = ada.hub.request("POST", "/api/v1/user/keys", ada.user.token, json={"key": key.public})
    assert answer.status_code == 201, answer.text
    assert ada.signature("before") == ("good", ada.user.name)


def test_forged_tags_are_bad(ada: Signer) -> None:
    ada.tag("m@v1.0.0")
    good = ada.content("m@v1.0.0")
    block = good[good.index(b"-----BEGIN") :]
    pgp = b"-----BEGIN PGP SIGNATURE-----\n\niQ==\n-----END PGP SIGNATURE-----\n"
    key, payload = ada.key, ada.payload
    forged = {
        "changed": payload("changed").replace(b"by me", b"by us") + key.sign(payload("changed")),
        "moved": payload("moved") + block,
        "namespace": payload("namespace") + key.sign(payload("namespace"), "file"),
        "other-namespace-name": payload("x") + key.sign(payload("x"), 'git" signature for root'),
        "followed": payload("followed") + key.sign(payload("followed")) + b"and what nobody signed\n",
        "crlf": payload("crlf") + key.sign(payload("crlf")).replace(b"\n", b"\r\n"),
        "pgp": payload("pgp") + pgp,
        "x509": payload("x509") + pgp.replace(b"PGP SIGNATURE", b"SIGNED MESSAGE"),
        "pgp-after-ssh": payload("pgp-after-ssh") + key.sign(payload("pgp-after-ssh")) + pgp,
        "empty-block": payload("empty-block")
        + b"-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n",
        "long-block": payload("long-block") + b"-----BEGIN SSH SIGNATURE-----\n" + b"A" * 100_000,
        "many-blocks": payload("many-blocks") + key.sign(payload("many-blocks")) * 200,
        "huge": payload("huge") + b"x" * (1 << 20) + b"\n" + block,
    }
    for tag, content in forged.items():
        ada.push(tag, content)
    for tag in forged:
        assert ada.signature(tag)[0] == "bad", tag
    assert ada.signature("m@v1.0.0") == ("good", ada.user.name)


def test_a_signature_over_a_signature_is_judged_as_git_does(ada: Signer, tmp_path: Path) -> None:
    inner = ada.payload("twice") + SshKey(tmp_path / "stranger").sign(ada.payload("twice"))
    ada.push("twice", inner + ada.key.sign(inner))
    assert ada.signature("twice") == ("good", ada.user.name)


def test_the_signer_is_whose_key_it_is_whoever_pushes_and_whatever_the_tag_says(
    ada: Signer, machine: Machine, tmp_path: Path
) -> None:
    bob = ada.hub.user("bob")
    key = SshKey(tmp_path / "bob")
    answer = ada.hub.request("POST", "/api/v1/user/keys", bob.token, json={"key": key.public})
    assert answer.status_code == 201
    ada.push("m@v1.0.0", ada.payload("m@v1.0.0") + key.sign(ada.payload("m@v1.0.0")))
    assert ada.signature("m@v1.0.0") == ("good", bob.name)


def test_a_removed_key_counts_for_what_is_dated_before_and_a_revoked_one_for_nothing(ada: Signer) -> None:
    ada.push("old", ada.payload("old") + ada.key.sign(ada.payload("old")))  # dated October 2025
    assert (ada.signature("old"), ada.arriving("old")) == (("good", ada.user.name), "good")
    ada.delete_key()
    assert (ada.signature("old"), ada.arriving("old")) == (("good", ada.user.name), "unknown_key")
    later = ada.payload("later").replace(b"1760000000", b"4000000000")
    ada.push("later", later + ada.key.sign(later))
    assert (ada.signature("later"), ada.arriving("later")) == (("unknown_key", None), "unknown_key")
    signers = ada.hub.request(
        "GET", f"/api/v1/repos/{ada.repo.full_name}/allowed-signers", ada.user.token
    ).text
    (line,) = [line for line in signers.splitlines() if line.startswith(f"{ada.user.name} ")]
    assert 'namespaces="git",valid-before="' in line
    ada.delete_key("?revoke=true")
    assert ada.signature("old") == ("unknown_key", None)
    signers = ada.hub.request(
        "GET", f"/api/v1/repos/{ada.repo.full_name}/allowed-signers", ada.user.token
    ).text
    assert ada.user.name not in signers


def test_new_tags_of_a_disabled_user_do_not_count(ada: Signer) -> None:
    ada.tag("m@v1.0.0")
    ada.hub.services.accounts.update(ada.hub.local, ada.user.name, is_disabled=True)
    target = ada.git("rev-parse", "m@v1.0.0", cwd=ada.tree)
    found = ada.hub.services.signatures
    assert found.verify(ada.repo.git_dir, None, target).status == "unknown_key"
    assert found.verify_kept(ada.repo.git_dir, target).signer == ada.user.name
    signers = found.allowed_signers(ada.hub.local, ada.repo.namespace, ada.repo.name)
    assert ada.user.name not in signers


def _api(ada: Signer, method: str, path: str, body: object = None) -> None:
    answer = ada.hub.request(method, f"/api/v1/repos/{ada.repo.full_name}{path}", ada.user.token, json=body)
    assert answer.status_code < 300, answer.text


def test_what_the_hub_makes_is_signed_and_plain_git_verifies_it(ada: Signer) -> None:
    versions = "/artifacts/m/versions"
    _api(ada, "POST", versions, {})
    _api(ada, "PUT", "/artifacts/m/stages/prod", {"version": "v0.0.1"})
    ada.git.commit(ada.tree, {"model.txt": "better\n"})
    ada.git("push", "-q", "origin", "main", cwd=ada.tree)
    _api(ada, "POST", versions, {})
    _api(ada, "PUT", "/artifacts/m/stages/prod", {"version": "v0.0.2"})
    _api(ada, "POST", "/artifacts/m/stages/prod/rollback", {})
    _api(ada, "DELETE", "/artifacts/m/stages/prod")
    _api(ada, "POST", "/tags", {"name": "paper", "message": "As in the paper"})
    ada.git("fetch", "-q", "--tags", cwd=ada.tree)
    tags = ada.git("tag", "--list", cwd=ada.tree).splitlines()
    assert tags == ["m#prod!#4", "m#prod#1", "m#prod#2", "m#prod#3", "m@v0.0.1", "m@v0.0.2", "paper"]
    signers = ada.tree / "signers"
    signers.write_text(
        ada.hub.request("GET", f"/api/v1/repos/{ada.repo.full_name}/allowed-signers", ada.user.token).text
    )
    ada.git("config", "gpg.ssh.allowedSignersFile", signers, cwd=ada.tree)
    own = ada.hub.request("GET", "/api/v1/signing-key").json()
    for tag in tags:
        assert ada.signature(tag) == ("good", "hub")
        said = ada.git.attempt("verify-tag", tag, cwd=ada.tree)
        assert said.code == 0
        assert (
            f'Good "git" signature for {own["principal"]} with ED25519 key {own["fingerprint"]}' in said.err
        )
    assert ada.git("tag", "-l", "--format=%(contents:subject)", "m@v0.0.1", cwd=ada.tree) == (
        "Registering artifact m version v0.0.1"
    )


def test_a_hubs_tag_does_not_verify_under_another_name(ada: Signer) -> None:
    _api(ada, "POST", "/artifacts/m/versions", {})
    ada.git("fetch", "-q", "--tags", cwd=ada.tree)
    ada.push("n@v0.0.1", ada.content("m@v0.0.1").replace(b"tag m@", b"tag n@"))
    assert ada.signature("n@v0.0.1") == ("bad", "hub")


def test_a_pushed_copy_of_a_hubs_tag_is_known_as_the_hubs(ada: Signer, machine: Machine) -> None:
    _api(ada, "POST", "/artifacts/m/versions", {})
    ada.git("fetch", "-q", "--tags", cwd=ada.tree)
    other = ada.hub.repo((ada.user, Role.MAINTAINER))
    ada.git("push", "-q", other.git_url, "HEAD:refs/heads/copy", "m@v0.0.1", cwd=ada.tree)
    target = ada.git("rev-parse", "m@v0.0.1", cwd=ada.tree)
    state = ada.hub.services.signatures.verify(other.git_dir, None, target)
    assert (state.is_good, state.is_hubs) == (True, True)


def test_no_private_key_reaches_the_log(ada: Signer, tmp_path: Path) -> None:
    text = SshKey(tmp_path / "leaked").path.read_text()
    for body in (
        {"key": text},
        {"key": text.encode().decode(), "name": text[:90]},
        {"name": "x", "kez": text},
    ):
        answer = ada.hub.request("POST", "/api/v1/user/keys", ada.user.token, json=body)
        assert answer.status_code in (400, 422)
        lines = text.splitlines()[1:-1]
        assert not any(line in answer.text for line in lines)
        assert not any(line in ada.hub.log_text() for line in lines)


def test_ssh_keygen_alone_verifies_what_the_hub_made(ada: Signer, tmp_path: Path) -> None:
    _api(ada, "POST", "/artifacts/m/versions", {"message": "Überprüft\n\nwith a body"})
    ada.git("fetch", "-q", "--tags", cwd=ada.tree)
    content = ada.content("m@v0.0.1")
    start = content.index(b"-----BEGIN SSH SIGNATURE-----")
    (tmp_path / "block").write_bytes(content[start:])
    (tmp_path / "signers").write_text(f"hub {ada.hub.request('GET', '/api/v1/signing-key').json()['key']}\n")
    line = ["ssh-keygen", "-Y", "verify", "-n", "git", "-I", "hub"]
    line += ["-f", str(tmp_path / "signers"), "-s", str(tmp_path / "block")]
    assert subprocess.run(line, input=content[:start], capture_output=True).returncode == 0
