"""Text from outside that must be kept even when a database could not hold it as it is."""

from __future__ import annotations


def storable(text: str) -> str:
    """The text with every NUL and every half of a surrogate pair replaced by U+FFFD.

    Tag messages, names of authors and audit details come from Git and from clients; losing a whole index to
    one impossible character would be worse than showing the sign that stands for it.
    """
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
