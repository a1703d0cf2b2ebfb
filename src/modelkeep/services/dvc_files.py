"""What a ``.dvc`` file knows about the file that it stands for."""

from __future__ import annotations

from modelkeep.domain.artifacts import Json
from modelkeep.services.yaml_tree import YamlFault, read_yaml
from modelkeep.services.yaml_values import Values

_KEYS = ("md5", "etag", "checksum")


def checksum_of_dvc_file(content: bytes) -> str | None:
    """``md5:…`` of what a ``.dvc`` file tracks (its only output); of an import, failing that, of where it is from.

    None where it says nothing of the kind, or is no such file.
    """
    try:
        root = read_yaml(content).root
        value = Values().of(root) if root is not None else None
    except YamlFault:
        return None
    if not isinstance(value, dict):
        return None
    for part in ("outs", "deps"):
        listed = value.get(part)
        if isinstance(listed, list) and len(listed) == 1:
            checksum = _checksum(listed[0])
            if checksum is not None:
                return checksum
    return None


def _checksum(item: Json) -> str | None:
    if not isinstance(item, dict):
        return None
    for key in _KEYS:
        value = item.get(key)
        if isinstance(value, str) and 0 < len(value) <= 200:
            return f"{key}:{value}"
    return None
