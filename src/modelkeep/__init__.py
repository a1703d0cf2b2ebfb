"""Modelkeep: a self-hosted, Git-native model repository and registry."""

TYPE_CHECKING = False  # as typing's, without loading typing: the command line starts with this module
if TYPE_CHECKING:
    from modelkeep.sdk.hub import Hub

__version__ = "0.1.0"
__all__ = ["Hub", "__version__", "load_ipython_extension"]


def __getattr__(name: str) -> object:
    """Loads :class:`modelkeep.sdk.hub.Hub` when it is first asked for (PEP 562); nothing else pays for it."""
    if name == "Hub":
        from modelkeep.sdk.hub import Hub

        return Hub
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def load_ipython_extension(shell: object) -> None:
    """What ``%load_ext modelkeep`` calls: adds the magic ``%modelkeep`` to a notebook."""
    from modelkeep.sdk.notebook import add_magic

    add_magic(shell)
