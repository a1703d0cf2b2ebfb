"""Signatures of tag objects: find the block, and have Git verify it.

Only SSH signatures are verified: Git hands them to ``ssh-keygen`` (OpenSSH 8.2 or newer). Nothing else is started,
whatever kind of signature a tag claims to have.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pygit2.enums import ObjectType

from modelkeep.domain.errors import Unavailable
from modelkeep.git import process
from modelkeep.git.incoming import quarantine_environment
from modelkeep.git.library import check_id, open_repository, translated
from modelkeep.git.object_format import CONTENT_LIMIT, parse_tag_object, signature_start

PROGRAM = "ssh-keygen"
_SECONDS = 10.0
_OUTPUT_LIMIT = 64 << 10
# What says that nothing was verified at all, in the words of git and ssh-keygen.
_FAILURES = (
    "cannot run",
    "Text file busy",
    "No user exists",
    "is needed for ssh signature verification",
    "could not create temporary file",
    "failed writing",
    "No space left",
    "Couldn't read",
    "Out of memory",
)


@dataclass(frozen=True, slots=True)
class SignedTag:
    """A tag object's signature.

    Attributes:
        block: The signature as it stands at the object's end; empty where there is none.
        at: When the tagger says that the tag was made, in seconds since 1970; None where that is unusable.
        is_too_large: The object is over 1 MiB; it was not looked at.
    """

    block: bytes
    at: float | None
    is_too_large: bool = False


def read_signed(git_dir: Path, quarantine: Path | None, tag_id: str) -> SignedTag | None:
    """Reads a tag object's signature; None where the object is no tag.

    Raises:
        Unavailable: The object cannot be read.
    """
    repository = open_repository(git_dir, quarantine)
    with translated("read the tag"):
        try:
            kind, size = repository.odb.read_header(check_id(tag_id))
        except KeyError:
            return None
        if kind != ObjectType.TAG:
            return None
        if size > CONTENT_LIMIT:
            return SignedTag(b"", None, is_too_large=True)
        content = repository.odb.read(tag_id)[1]
    tagger = parse_tag_object(content).tagger
    return SignedTag(content[signature_start(content) :], tagger.when.timestamp() if tagger else None)


def verify(git_dir: Path, quarantine: Path | None, tag_id: str, key: str, fingerprint: str) -> bool:
    """Whether ``git verify-tag`` finds the tag well signed by this one key, for the namespace ``git``.

    Args:
        git_dir: Of the repository.
        quarantine: Where the objects of a push are that is not accepted yet.
        tag_id: Of the tag object.
        key: The public key as OpenSSH writes it, without a comment.
        fingerprint: Of the key.

    Raises:
        Unavailable: ``ssh-keygen`` is missing, could not run, or took too long.
    """
    program = shutil.which(PROGRAM, path=process.environment()["PATH"])
    if program is None:
        raise Unavailable(
            "Signatures cannot be verified: ssh-keygen is missing on the hub's machine. Install OpenSSH's client "
            "(Debian: openssh-client).",
            code="ssh_keygen_missing",
        )
    with tempfile.TemporaryDirectory(prefix="modelkeep-") as folder:
        signers = Path(folder, "allowed_signers")
        signers.write_text(f'signer namespaces="git" {key}\n', encoding="ascii")
        done = process.attempt(
            ["verify-tag", "--raw", check_id(tag_id)],
            git_dir=git_dir,
            timeout=_SECONDS,
            env={**quarantine_environment(git_dir, quarantine), "TMPDIR": folder},
            config=[
                f"gpg.ssh.program={program}",
                f"gpg.ssh.allowedSignersFile={signers}",
                # Git chooses the program by what the tag says: of the others there is none.
                f"gpg.program={os.devnull}",
                f"gpg.x509.program={os.devnull}",
            ],
            output_limit=_OUTPUT_LIMIT,
        )
    first = done.errors.partition("\n")[0]
    if done.code == 0:
        return first.startswith('Good "git" signature for signer with ') and first.endswith(
            f" key {fingerprint}"
        )
    # Git itself is killed by a closed pipe where the program ends without reading what it is to verify.
    if done.code < 0 or any(failure in done.errors for failure in _FAILURES):
        error = Unavailable(
            "Signatures cannot be verified: ssh-keygen does not run on the hub's machine.",
            code="ssh_keygen_failed",
        )
        error.add_note(done.errors)
        raise error
    return False
