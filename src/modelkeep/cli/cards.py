"""``modelkeep card`` and ``modelkeep header``: what a model card and a file of weights say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from modelkeep.cli import options
from modelkeep.cli.output import say, show_fields, show_json, show_table, size_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelkeep.sdk.models_cards import Card, CardRemark, FileHeader, GraphValue

_SHOWN_TENSORS = 20

Revision = Annotated[
    str | None,
    typer.Option("--revision", "-r", help="A branch, tag, version or commit.", metavar="REVISION"),
]


@options.example("modelkeep card acme/churn", "modelkeep card acme/churn --revision churn@v1.0.0 --json")
def card(
    repo: options.RepoName,
    revision: Revision = None,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Show what a model card says, what is wrong with it, and how large the model is."""
    with options.connect(url, token) as hub:
        found = hub.repo(repo).card(revision)
    if as_json:
        show_json(found)
    else:
        _show_card(found)


@options.example(
    "modelkeep header acme/churn model.safetensors",
    "modelkeep header acme/churn onnx/model.onnx --revision 'churn#prod' --tensors",
)
def header(
    repo: options.RepoName,
    path: Annotated[
        str, typer.Argument(help="A .safetensors, .gguf or .onnx file.", metavar="PATH", show_default=False)
    ],
    revision: Revision = None,
    has_all: Annotated[bool, typer.Option("--tensors", help="List all tensors.")] = False,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Show the tensors, inputs and outputs of a file of weights, without fetching it."""
    with options.connect(url, token) as hub:
        found = hub.repo(repo).header(path, revision)
    if as_json:
        show_json(found)
    else:
        _show_header(found, None if has_all else _SHOWN_TENSORS)


def _show_card(found: Card) -> None:
    weights = found.weights
    fields = [
        ("commit", found.commit[:12]),
        ("license", found.license or "not said"),
        ("library", found.library or ""),
        ("task", found.pipeline_tag or ""),
        ("base model", ", ".join(found.base_models)),
        ("datasets", ", ".join(found.datasets)),
        ("languages", ", ".join(found.languages)),
        ("metrics", ", ".join(found.metrics)),
        ("parameters", _parameters(weights.total, weights.parameters) if weights else ""),
        (
            "weights",
            ", ".join(weights.files[:3]) + (" …" if len(weights.files) > 3 else "") if weights else "",
        ),
        ("tags", ", ".join(found.tags)),
    ]
    show_fields([(name, text) for name, text in fields if text])
    for word, remarks in (("error", found.errors), ("warning", found.warnings)):
        for remark in remarks:
            say(f"{word}: {_remark(remark)}")


def _show_header(found: FileHeader, most: int | None) -> None:
    fields = [
        ("format", found.format),
        ("size", size_text(found.size)),
        ("tensors", str(len(found.tensors))),
        ("parameters", _parameters(found.total, found.parameters)),
        *(
            (name, str(value))
            for name, value in found.metadata.items()
            if isinstance(value, str | int | float)
        ),
    ]
    show_fields([(name, text.replace("\n", " ")[:200]) for name, text in fields])
    values = [("input", one) for one in found.inputs] + [("output", one) for one in found.outputs]
    if values:
        say()
        rows = [(kind, one.name, one.type, _shape(one)) for kind, one in values]
        show_table(("", "NAME", "TYPE", "SHAPE"), rows, "")
    if found.tensors:
        say()
        tensors = found.tensors[:most]
        rows = [(one.name, one.dtype, _sizes(one.shape), f"{_count(one.shape):,}") for one in tensors]
        show_table(("TENSOR", "TYPE", "SHAPE", "NUMBERS"), rows, "")
        if len(tensors) < len(found.tensors):
            say(f"… and {len(found.tensors) - len(tensors)} more; --tensors lists them all.")


def _parameters(total: int, parameters: Mapping[str, int]) -> str:
    by_type = ", ".join(f"{count:,} {dtype}" for dtype, count in parameters.items())
    return f"{total:,}" + (f" ({by_type})" if by_type else "")


def _remark(remark: CardRemark) -> str:
    return remark.message if remark.line is None else f"README.md:{remark.line}: {remark.message}"


def _shape(value: GraphValue) -> str:
    return "" if value.shape is None else _sizes(value.shape)


def _sizes(shape: tuple[int | str | None, ...]) -> str:
    return "[" + ", ".join("?" if size is None else str(size) for size in shape) + "]"


def _count(shape: tuple[int, ...]) -> int:
    found = 1
    for size in shape:
        found *= size
    return found
