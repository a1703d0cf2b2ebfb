"""Modelkeep: a self-hosted, Git-native model repository and registry."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelkeep.sdk.hub import Hub

__version__ = "0.1.0"
__all__ = ["Hub", "__version__"]


def __getattr__(name: str) -> object:
    """Loads :class:`modelkeep.sdk.hub.Hub` when it is first asked for (PEP 562); nothing else pays for it."""
    if name == "Hub":
        from modelkeep.sdk.hub import Hub

        return Hub
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
