"""Whether the hub can work: its database, blob store and Git."""

from __future__ import annotations

from collections.abc import Callable

from modelkeep.domain.errors import ModelkeepError
from modelkeep.git import process
from modelkeep.services.ports import Stores


class Health:
    """Readiness of the parts beneath."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def check(self) -> dict[str, str]:
        """Looks at each part: its name and ``ok``, or what is wrong with it."""
        parts: dict[str, Callable[[], object]] = {
            "database": self._stores.database.check,
            "blobs": self._stores.blobs.check,
            "repositories": self._stores.repositories.check,
            "git": process.version,
        }
        return {name: _state(check) for name, check in parts.items()}


def _state(check: Callable[[], object]) -> str:
    try:
        check()
    except ModelkeepError as error:
        return error.message
    except OSError as error:
        return error.strerror or type(error).__name__
    return "ok"
