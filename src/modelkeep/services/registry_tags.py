"""From a raw tag to a registry event, or to the reason why it is none.

One rule serves the index (which isolates a bad tag) and the gate (which refuses it), so that the two never differ.
"""

from __future__ import annotations

from modelkeep.domain.events import Event, TagProblem, event_of
from modelkeep.domain.objects import RawTag, Signature
from modelkeep.domain.tag_grammar import COUNTER_LIMIT, EventKind, TagName, parse_tag
from modelkeep.domain.versions import SemVer
from modelkeep.git.tags import parse_tag_object

_REMAKE = "Delete it and make it again with 'git tag -a' (or gto, or modelkeep)."
_RENAME = "Delete it and make it again under another name."


def read_registry_tag(raw: RawTag) -> Event | TagProblem | None:
    """Reads a tag as a registry event.

    Returns:
        The event; the problem of a tag that has, or whose object has, a registry tag's name but is no event; None for
        every other tag.
    """
    name = parse_tag(raw.ref_name)
    if raw.content is None:
        if name is None:
            return None
        return TagProblem(
            raw.ref_name,
            "lightweight",
            "it is a lightweight tag; a registry tag is annotated, because it records who did it and when",
            _REMAKE,
        )
    parsed = parse_tag_object(raw.content)
    own_name = parsed.name.decode("utf-8", "replace")
    if name is None:
        if parse_tag(own_name) is None:
            return None
        return TagProblem(
            raw.ref_name,
            "name_differs",
            f"the tag object inside is named '{own_name}', a registry tag's name",
            _REMAKE,
        )
    fault = _fault_of_name(name, raw.ref_name, own_name)
    if fault is not None:
        return TagProblem(raw.ref_name, *fault)
    if raw.direct_type != "commit" or raw.peeled_type != "commit":
        kind = raw.direct_type if raw.direct_type != "commit" else raw.peeled_type
        return TagProblem(raw.ref_name, "not_a_commit", f"it points to a {kind}, not to a commit", _REMAKE)
    if parsed.tagger is None or parsed.identity is None:
        reason = (
            f"it has no usable tagger ({parsed.tagger_problem or 'the name or the e-mail address is empty'})"
        )
        return TagProblem(raw.ref_name, "no_tagger", reason, _REMAKE)
    if parsed.message is None:
        return TagProblem(raw.ref_name, "no_message", "its message is missing or not UTF-8", _REMAKE)
    by = Signature(*parsed.identity, parsed.tagger.when)
    return event_of(name, raw.ref_name, raw.direct_id, by, parsed.message, raw.target)


def own_name(raw: RawTag) -> str:
    """The name inside of a tag object; the ref's for a lightweight tag."""
    return (
        raw.ref_name if raw.content is None else parse_tag_object(raw.content).name.decode("utf-8", "replace")
    )


def _fault_of_name(name: TagName, ref_name: str, own_name: str) -> tuple[str, str, str] | None:
    """Code, reason and remedy of a name that has the form of a registry tag's and yet will not do."""
    if name.kind is EventKind.CREATION:
        return "created_tag", "'@created' is no event, and stops every gto command", "Delete it."
    if own_name != ref_name:
        return "name_differs", f"the tag object inside is named '{own_name}'", _REMAKE
    if name.counter == COUNTER_LIMIT:
        return "counter_too_large", f"its counter is not below {COUNTER_LIMIT}", _RENAME
    if name.version is not None and not SemVer.is_valid(name.version):
        reason = "its version is longer than 128 characters, or has digits of another script than 0 to 9"
        return "version_unreadable", reason, _RENAME
    return None
