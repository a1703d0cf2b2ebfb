"""Fetches and pushes of the real git through the transport, and what is left after each."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from modelkeep.domain.errors import Conflict, Unavailable
from modelkeep.domain.objects import ZERO_ID
from modelkeep.git import maintenance, push_hook, refs
from modelkeep.git.push_hook import Proposal, Verdict
from modelkeep.git.transport import PackLimits, PackProcess, Service, advertise, protocol_version
from tests.contract.git.real_git import Git
from tests.contract.git.smart_http import SmartHttp


def leftovers(git_dir: Path) -> list[str]:
    """Objects, packs, quarantines and temporary files."""
    return sorted(
        str(path.relative_to(git_dir)) for path in (git_dir / "objects").rglob("*") if path.is_file()
    ) + [path.name for path in (git_dir / "objects").glob("*objdir*")]


def processes_of(git_dir: Path) -> list[str]:
    """Command lines of living processes that name the repository or the hook."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
                environment = (entry / "environ").read_bytes()
            except (OSError, PermissionError):
                continue
            if "git" in line and (str(git_dir) in line or str(git_dir).encode() in environment):
                found.append(line)
    return found


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture
def work(git: Git, hub: SmartHttp, tmp_path: Path) -> Path:
    """A work tree whose remote is the hub; pushed once."""
    work = git.work_tree(tmp_path / "work")
    git("remote", "add", "origin", hub.url, cwd=work)
    git("push", "-q", "origin", "main", cwd=work)
    return work


@pytest.mark.parametrize("version", ["0", "1", "2"])
def test_clone_and_fetch_in_each_version_of_the_protocol(
    git: Git, hub: SmartHttp, work: Path, tmp_path: Path, version: str
) -> None:
    copy = tmp_path / "copy"
    git("-c", f"protocol.version={version}", "clone", "-q", hub.url, copy)
    assert (copy / "README.md").read_text() == "# A model\n"
    tip = git.commit(work, {"weights.txt": "1\n" * 2000})
    git("tag", "-a", "-m", "x", "m@v1.0.0", cwd=work)
    git("push", "-q", "origin", "main", "m@v1.0.0", cwd=work)
    git("-c", f"protocol.version={version}", "fetch", "-q", "origin", cwd=copy)
    assert git("rev-parse", "origin/main", cwd=copy) == tip
    assert git("tag", cwd=copy) == "m@v1.0.0"
    assert hub.errors == []


def test_shallow_and_partial_clones(git: Git, hub: SmartHttp, work: Path, tmp_path: Path) -> None:
    for number in range(3):
        git.commit(work, {f"file{number}": "x" * 5000})
    git("push", "-q", "origin", "main", cwd=work)
    git("clone", "-q", "--depth", "1", hub.url, tmp_path / "shallow")
    assert git("rev-list", "--count", "HEAD", cwd=tmp_path / "shallow") == "1"
    git("clone", "-q", "--bare", "--filter=blob:none", hub.url, tmp_path / "partial.git")
    kinds = git(
        "cat-file", "--batch-check=%(objecttype)", "--batch-all-objects", cwd=tmp_path / "partial.git"
    )
    assert "blob" not in kinds.split()
    refused = git.try_("clone", "-q", "--bare", "--filter=sparse:oid=main:x", hub.url, tmp_path / "no.git")
    assert "not supported" in refused.err
    assert refused.code != 0


def test_the_service_line_is_there_except_in_version_2(git_dir: Path) -> None:
    assert advertise(git_dir, Service.UPLOAD_PACK).startswith(b"001e# service=git-upload-pack\n0000")
    assert advertise(git_dir, Service.UPLOAD_PACK, protocol_header="version=2").startswith(b"000eversion 2\n")
    # Pushes have no version 2.
    answer = advertise(git_dir, Service.RECEIVE_PACK, protocol_header="version=2")
    assert answer.startswith(b"001f# service=git-receive-pack\n0000")
    assert b"push-options" in answer


@pytest.mark.parametrize(
    ("header", "version"),
    [
        (None, ""),
        ("version=2", "version=2"),
        ("version=1:version=2", "version=2"),
        ("key=x:version=1", "version=1"),
        ("version=3", ""),
        ("version=2\nGIT_DIR=/", ""),
        ("x" * 100_000, ""),
    ],
)
def test_only_known_versions_reach_git(header: str | None, version: str) -> None:
    assert protocol_version(header) == version


def test_a_push_is_proposed_with_its_refs_options_and_objects(
    git: Git, hub: SmartHttp, work: Path, git_dir: Path
) -> None:
    old = git("rev-parse", "main", cwd=work)
    new = git.commit(work, {"a": "1"})
    seen: list[list[str]] = []

    def decide(proposal: Proposal) -> Verdict:
        assert proposal.quarantine is not None
        seen.append(sorted(path.name for path in proposal.quarantine.rglob("*.pack")))
        return Verdict(True, "Welcome.\nIndexed: \x1b[31mone\x1b[0m artifact.")

    hub.decide = decide
    options = ("-o", "plain", "-o", "with spaces and 'quotes' $(touch x) ü")
    result = git.try_("push", *options, "origin", "main", "main:refs/heads/new", cwd=work)
    assert result.code == 0, result.err
    assert "remote: Welcome." in result.err
    assert "remote: Indexed: [31mone[0m artifact." in result.err
    proposal = hub.proposals[-1]
    assert {(u.ref, u.old, u.new) for u in proposal.updates} == {
        ("refs/heads/main", old, new),
        ("refs/heads/new", ZERO_ID, new),
    }
    assert proposal.push_options == ("plain", "with spaces and 'quotes' $(touch x) ü")
    assert len(seen[0]) == 1
    assert hub.processes[-1].accepted
    assert proposal.quarantine is not None
    assert not proposal.quarantine.exists()
    assert refs.read_refs(git_dir, ["refs/heads/new"])["refs/heads/new"].target == new


def test_a_push_of_many_refs_is_proposed_whole(git: Git, hub: SmartHttp, work: Path, git_dir: Path) -> None:
    lines = "".join(f"create refs/tags/t{number} HEAD\n" for number in range(300))
    git("update-ref", "--stdin", cwd=work, input=lines.encode())
    git("push", "-q", "origin", "--tags", cwd=work)
    assert len(hub.proposals[-1].updates) == 300
    assert hub.proposals[-1].quarantine is not None  # Git sends an empty pack
    assert len(refs.list_refs(git_dir, ("refs/tags/",))) == 300


def test_a_deletion_brings_no_objects(git: Git, hub: SmartHttp, work: Path) -> None:
    git("push", "-q", "origin", "main:refs/heads/gone", cwd=work)
    git("push", "-q", "origin", ":refs/heads/gone", cwd=work)
    assert hub.proposals[-1].quarantine is None
    assert hub.proposals[-1].updates[0].is_delete


def test_a_refused_push_says_why_and_leaves_nothing(
    git: Git, hub: SmartHttp, work: Path, git_dir: Path
) -> None:
    before, digest = leftovers(git_dir), refs.digest(git_dir)
    git.commit(work, {"big.bin": b"x" * 100_000})
    hub.decide = lambda _: Verdict(False, "big.bin is too large; track it with\n  git lfs track '*.bin'")
    result = git.try_("push", "origin", "main", "main:refs/heads/other", cwd=work)
    assert result.code != 0
    assert "remote: big.bin is too large; track it with" in result.err
    assert "remote:   git lfs track '*.bin'" in result.err
    assert "pre-receive hook declined" in result.err
    hub.settle()
    assert leftovers(git_dir) == before
    assert refs.digest(git_dir) == digest
    assert not hub.processes[-1].accepted


def failure(hub: SmartHttp) -> BaseException | None:
    return hub.processes[-1].failure


def test_errors_while_deciding_refuse(git: Git, hub: SmartHttp, work: Path, git_dir: Path) -> None:
    def conflict(_: Proposal) -> Verdict:
        raise Conflict("The version m@v1.0.0 exists.")

    def bug(_: Proposal) -> Verdict:
        raise ZeroDivisionError("secret")

    git.commit(work, {"a": "1"})
    digest = refs.digest(git_dir)
    hub.decide = conflict
    assert "remote: The version m@v1.0.0 exists." in git.try_("push", "origin", "main", cwd=work).err
    assert failure(hub) is None
    hub.decide = bug
    result = git.try_("push", "origin", "main", cwd=work)
    assert "remote: The hub could not check this push." in result.err
    assert "secret" not in result.err
    assert isinstance(failure(hub), ZeroDivisionError)
    assert refs.digest(git_dir) == digest


def test_hidden_refs_cannot_be_pushed(git: Git, hub: SmartHttp, work: Path, git_dir: Path) -> None:
    hub.extra_config = ("receive.hideRefs=refs/heads/main",)
    git.commit(work, {"a": "1"})
    digest = refs.digest(git_dir)
    for target in ("main", "HEAD:refs/internal/x"):
        assert "deny updating a hidden ref" in git.try_("push", "origin", target, cwd=work).err
    assert refs.digest(git_dir) == digest
    assert refs.list_refs(git_dir, ("refs/internal/",)) == []


def test_a_pack_over_the_limit_is_refused_readably(
    git: Git, hub: SmartHttp, work: Path, git_dir: Path
) -> None:
    before = leftovers(git_dir)
    git.commit(work, {"big": os.urandom(6_000_000)})
    hub.limits = PackLimits(max_input_bytes=1_000_000, seconds=60)
    result = git.try_("push", "origin", "main", cwd=work)
    assert "exceeds maximum allowed size" in result.err
    hub.settle()
    assert leftovers(git_dir) == before


def test_malicious_objects_are_refused(git: Git, hub: SmartHttp, work: Path, git_dir: Path) -> None:
    blob = git("hash-object", "-w", "--stdin", cwd=work, input=b"x")
    tree = git("mktree", "--missing", cwd=work, input=f"100644 blob {blob}\t.GIT\n".encode())
    commit = git("commit-tree", tree, "-m", "bad", cwd=work)
    before, asked = leftovers(git_dir), len(hub.proposals)
    result = git.try_("push", "origin", f"{commit}:refs/heads/bad", cwd=work)
    assert "hasDotgit" in result.err
    hub.settle()
    assert (leftovers(git_dir), len(hub.proposals)) == (before, asked)


def test_an_atomic_push_moves_all_refs_or_none(git: Git, hub: SmartHttp, work: Path, git_dir: Path) -> None:
    git.commit(work, {"a": "1"})
    digest = refs.digest(git_dir)
    both = ("main", "main:refs/heads/main/clash")
    assert git.try_("push", "--atomic", "origin", *both, cwd=work).code != 0
    assert refs.digest(git_dir) == digest
    assert git.try_("push", "origin", *both, cwd=work).code != 0
    assert refs.digest(git_dir) != digest


def test_refs_pushed_meanwhile_win(git: Git, hub: SmartHttp, work: Path, git_dir: Path) -> None:
    """The server moves the ref while it decides: the push must lose."""
    first = git("rev-parse", "main", cwd=work)
    git("push", "-q", "origin", "main:refs/heads/other", cwd=work)
    rival = git.commit(work, {"rival": "1"})
    git("push", "-q", "origin", "main:refs/heads/rival", cwd=work)
    git.commit(work, {"mine": "1"})

    def decide(_: Proposal) -> Verdict:
        refs.update_ref(git_dir, "refs/heads/other", rival, first)
        return Verdict(True)

    hub.decide = decide
    assert git.try_("push", "origin", "main:refs/heads/other", cwd=work).code != 0
    assert refs.read_refs(git_dir, ["refs/heads/other"])["refs/heads/other"].target == rival


def raw_push(git: Git, work: Path, ref: str) -> bytes:
    """The body of a push request, as git would send it."""
    new = git("rev-parse", "main", cwd=work)
    line = f"{ZERO_ID} {new} {ref}\0 report-status side-band-64k".encode()
    pack = subprocess.run(
        ["git", "pack-objects", "--revs", "--stdout", "-q"],
        cwd=work,
        env=git.env,
        input=new.encode() + b"\n",
        capture_output=True,
        check=True,
    ).stdout
    return b"%04x%s0000%s" % (len(line) + 4, line, pack)


def send(hub: SmartHttp, body: bytes, part: int) -> socket.socket:
    """Starts a push request and sends only ``part`` bytes of its body."""
    connection = socket.create_connection(("127.0.0.1", hub.port))
    connection.sendall(
        f"POST /repo.git/git-receive-pack HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        + body[:part]
    )
    return connection


@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 0.999])
def test_a_client_that_vanishes_leaves_nothing(
    git: Git, hub: SmartHttp, work: Path, git_dir: Path, share: float
) -> None:
    git.commit(work, {"big": os.urandom(300_000)})
    body = raw_push(git, work, "refs/heads/cut")
    before, digest = leftovers(git_dir), refs.digest(git_dir)
    connection = send(hub, body, int(len(body) * share))
    while not processes_of(git_dir):
        time.sleep(0.01)
    connection.close()
    hub.settle()
    wait_until(lambda: not processes_of(git_dir))
    assert leftovers(git_dir) == before
    assert refs.digest(git_dir) == digest
    assert maintenance.fsck(git_dir) == []


def test_a_slow_client_is_stopped(git: Git, hub: SmartHttp, work: Path, git_dir: Path) -> None:
    hub.limits = PackLimits(seconds=0.3)
    body = raw_push(git, work, "refs/heads/slow")
    before = leftovers(git_dir)
    with send(hub, body, len(body) - 10) as connection:
        while connection.recv(65536):
            pass
    hub.settle()
    assert hub.processes[-1].timed_out
    assert isinstance(hub.errors.pop(), Unavailable)
    assert processes_of(git_dir) == []
    assert leftovers(git_dir) == before


def test_a_client_that_vanishes_while_the_push_is_decided(
    git: Git, hub: SmartHttp, work: Path, git_dir: Path
) -> None:
    """The verdict is final: an accepted push is finished though nobody is there to hear of it."""
    asked, go = threading.Event(), threading.Event()

    def decide(_: Proposal) -> Verdict:
        asked.set()
        assert go.wait(30)
        return Verdict(True)

    hub.decide = decide
    body = raw_push(git, work, "refs/heads/orphan")
    connection = send(hub, body, len(body))
    assert asked.wait(30)
    connection.close()
    go.set()
    hub.settle()
    wait_until(lambda: not processes_of(git_dir))
    process = hub.processes[-1]
    moved = "refs/heads/orphan" in refs.read_refs(git_dir, ["refs/heads/orphan"])
    assert moved == process.accepted
    assert maintenance.fsck(git_dir) == []


def test_nothing_leaks_over_many_requests(git: Git, hub: SmartHttp, work: Path, git_dir: Path) -> None:
    git("ls-remote", hub.url)
    hub.settle()
    before = descriptors()
    for number in range(5):
        git.commit(work, {"n": str(number)})
        hub.decide = lambda _: Verdict(False, "no")
        git.try_("push", "origin", "main", cwd=work)
        hub.decide = lambda _: Verdict(True)
        git("push", "-q", "origin", "main", cwd=work)
        git("ls-remote", hub.url)
    hub.settle()
    wait_until(lambda: descriptors() <= before + 1)
    assert processes_of(git_dir) == []


def test_the_hook_refuses_when_the_server_is_gone(git: Git, git_dir: Path, tmp_path: Path) -> None:
    hooks = push_hook.install(tmp_path / "hooks")
    proposal_out, proposal_in = os.pipe()
    verdict_out, verdict_in = os.pipe()
    os.close(verdict_in)
    names = {push_hook.PROPOSAL_VARIABLE: str(proposal_in), push_hook.VERDICT_VARIABLE: str(verdict_out)}
    done = subprocess.run(
        [hooks / "pre-receive"],
        env={**git.env, **names},
        input=b"",
        pass_fds=(proposal_in, verdict_out),
        capture_output=True,
    )
    for descriptor in (proposal_out, proposal_in, verdict_out):
        os.close(descriptor)
    assert done.returncode == 1
    assert b"stopped before it could check" in done.stderr
    bare = subprocess.run([hooks / "pre-receive"], env=git.env, input=b"", capture_output=True)
    assert bare.returncode != 0


def test_no_push_without_a_hook_that_can_run(git_dir: Path, tmp_path: Path) -> None:
    """Git passes over a hook that it cannot execute and would accept everything."""
    hooks = push_hook.install(tmp_path / "hooks")
    (hooks / "pre-receive").chmod(0o444)
    with pytest.raises(Unavailable):
        PackProcess.receive_pack(git_dir, hooks=hooks, decide=lambda _: Verdict(True))


def wait_until(condition: object) -> None:
    assert callable(condition)
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
