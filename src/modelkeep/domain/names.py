"""Names of namespaces, repos, artifacts and stages: parse, validate, fold. Every check of a path starts here."""

from __future__ import annotations

import re
from dataclasses import dataclass

from modelkeep.domain.errors import InvalidInput

RESERVED_NAMESPACES = frozenset(
    """
    - about account accounts activity admin api app apps artifacts assets audit auth blog browse collections contact
    dashboard datasets default docs download downloads enterprise experiments explore favicon.ico feed files git groups
    healthz health help home hub issues jobs join lfs login logout logs main marketplace me members metrics mlflow
    models modelkeep namespaces new none notifications null oauth oidc organisations organizations orgs owner ping
    pricing privacy profile projects public readyz registry release releases repo repos robots.txt root runs saml
    search security services session sessions settings shared signin signout signup spaces sso stages static status
    storage support system tags tasks teams terms token tokens topics trending undefined upload uploads user users v1
    v2 v3 version versions webhooks well-known .well-known www
    """.split()
)
"""First path segments that the hub keeps for itself, and names that would mislead people."""

RESERVED_REPOS = frozenset(
    {"-", ".", "..", "settings", "members", "new", "api", "resolve", "raw", "tree", "blob"}
)

_NAMESPACE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9]|[-_](?=[A-Za-z0-9])){0,63}", re.ASCII)
_REPO = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_]|[-.](?=[A-Za-z0-9_])){0,95}", re.ASCII)
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9._:/+-]{0,62}[a-z0-9])?", re.ASCII)
_GTO_NAME = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9\-/_]*[a-zA-Z0-9])?", re.ASCII)
_DIRECTORY = re.compile(r"[a-zA-Z0-9\-_./]+", re.ASCII)
_MAX_ARTIFACT = 200


def fold(name: str) -> str:
    """The form in which names are compared: without case. They are stored as they were written."""
    return name.casefold()


def parse_namespace(text: str, *, reserved_ok: bool = False) -> str:
    """Checks the name of a user or an organisation.

    Raises:
        InvalidInput: Not 1 to 64 letters, digits, ``-`` or ``_`` (starting and ending with a letter or digit, no two
            signs in a row), or reserved.
    """
    if not _NAMESPACE.fullmatch(text):
        raise InvalidInput(
            f"{_shown(text)} cannot name a user or an organisation: use 1 to 64 letters, digits, '-' or '_', with a "
            "letter or a digit at both ends and no two signs in a row.",
            code="invalid_name",
        )
    if not reserved_ok and fold(text) in RESERVED_NAMESPACES:
        raise InvalidInput(f"'{text}' is reserved; choose another name.", code="reserved_name")
    return text


def parse_repo(text: str) -> str:
    """Checks the name of a repo.

    Raises:
        InvalidInput: Not 1 to 96 letters, digits, ``_``, ``-`` or ``.`` (no sign but ``_`` at an end, no two of ``-.``
            in a row), ends with ``.git``, ``.lock`` or ``.ipynb``, or reserved.
    """
    if not _REPO.fullmatch(text):
        raise InvalidInput(
            f"{_shown(text)} cannot name a repo: use 1 to 96 letters, digits, '_', '-' or '.', with no '-' or '.' at "
            "an end and no two of them in a row.",
            code="invalid_name",
        )
    folded = fold(text)
    if folded in RESERVED_REPOS or folded.endswith((".git", ".lock", ".ipynb")):
        raise InvalidInput(f"'{text}' is reserved; choose another name.", code="reserved_name")
    return text


def parse_label(text: str) -> str:
    """Checks a label of a repo: 1 to 64 of ``a-z 0-9 . _ : / + -``, folded to lower case.

    Raises:
        InvalidInput: It has other characters, or is too long.
    """
    folded = fold(text.strip())
    if not _LABEL.fullmatch(folded):
        raise InvalidInput(
            f"{_shown(text)} cannot be a label: use 1 to 64 of a-z, 0-9 and . _ : / + -", code="invalid_label"
        )
    return folded


def is_gto_name(text: str) -> bool:
    """Whether ``text`` is what GTO calls a name (also stages, types and labels in ``artifacts.yaml``)."""
    return _GTO_NAME.fullmatch(text) is not None


def parse_stage(text: str) -> str:
    """Checks the name of a stage.

    Raises:
        InvalidInput: It is no GTO name.
    """
    if len(text) > _MAX_ARTIFACT or not is_gto_name(text):
        raise InvalidInput(
            f"{_shown(text)} cannot name a stage: use letters, digits, '-', '_' or '/', with a letter or a digit at "
            "both ends.",
            code="invalid_stage",
        )
    return text


def parse_artifact(text: str) -> str:
    """Checks the name of an artifact, ``name`` or ``directory:name``.

    Raises:
        InvalidInput: It is no full name in GTO's grammar, or longer than 200 characters.
    """
    directory, colon, name = text.rpartition(":")
    if (
        len(text) > _MAX_ARTIFACT
        or not is_gto_name(name)
        or (colon and (not _DIRECTORY.fullmatch(directory) or ".." in directory))
    ):
        raise InvalidInput(
            f"{_shown(text)} cannot name an artifact: use letters, digits, '-', '_' or '/', with a letter or a digit "
            "at both ends, optionally after 'directory:'.",
            code="invalid_artifact",
        )
    return text


@dataclass(frozen=True, slots=True)
class RepoName:
    """The full name of a repo, ``namespace/name``, as written; compare with :attr:`folded`."""

    namespace: str
    name: str

    @classmethod
    def parse(cls, text: str) -> RepoName:
        """Reads ``namespace/name``.

        Raises:
            InvalidInput: There is not exactly one slash, or a part is no name.
        """
        namespace, slash, name = text.partition("/")
        if not slash or "/" in name:
            raise InvalidInput(
                f"{_shown(text)} is not the name of a repo; write NAMESPACE/NAME.", code="invalid_name"
            )
        return cls(parse_namespace(namespace, reserved_ok=True), parse_repo(name))

    @property
    def folded(self) -> str:
        """``namespace/name`` without case."""
        return fold(str(self))

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:77] + "...")
