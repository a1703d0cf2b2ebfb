"""SSH keys of users' machines, made and used by the real ssh-keygen."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.support.git import Git


class SshKey:
    """A key pair in a folder."""

    def __init__(self, folder: Path, name: str = "id_ed25519", *options: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / name
        line = ["ssh-keygen", "-q", "-N", "", "-C", f"{name}@machine", "-f", self.path]
        subprocess.run([*map(str, line), *(options or ("-t", "ed25519"))], check=True)

    @property
    def public(self) -> str:
        """The public key's line."""
        return self.path.with_name(f"{self.path.name}.pub").read_text()

    @property
    def fingerprint(self) -> str:
        done = subprocess.run(["ssh-keygen", "-lf", str(self.path)], capture_output=True, check=True)
        return done.stdout.decode().split()[1]

    def sign(self, payload: bytes, namespace: str = "git") -> bytes:
        """A signature block."""
        line = ["ssh-keygen", "-q", "-Y", "sign", "-n", namespace, "-f", str(self.path)]
        return subprocess.run(line, input=payload, capture_output=True, check=True).stdout

    def configure(self, git: Git) -> None:
        """Makes this the key of ``git tag -s``."""
        git("config", "--global", "gpg.format", "ssh")
        git("config", "--global", "user.signingKey", f"{self.path}.pub")
