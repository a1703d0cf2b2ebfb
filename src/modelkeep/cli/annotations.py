"""What a repo says about its artifacts: ``annotate``, ``describe``, ``remove``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from modelkeep.cli import options
from modelkeep.cli.output import printable, say, show_fields, show_json

if TYPE_CHECKING:
    from modelkeep.sdk.http import Json
    from modelkeep.sdk.models_registry import Annotation

Branch = Annotated[
    str | None, typer.Option("--branch", "-b", help="Else the default branch.", metavar="BRANCH")
]


@options.example(
    "modelkeep annotate acme/churn churn --type model --path models/churn.onnx --label tabular",
    "modelkeep annotate acme/churn churn --custom framework=onnx --custom metrics='{\"auc\": 0.91}'",
    "modelkeep annotate acme/churn archive --path s3://models/churn-2025.onnx",
)
def annotate(
    repo: options.RepoName,
    artifact: options.ArtifactName,
    type: Annotated[str | None, typer.Option("--type", help="Such as model.", metavar="TYPE")] = None,
    path: Annotated[
        str | None, typer.Option("--path", help="Where its files are in the repo, or a URL.", metavar="PATH")
    ] = None,
    label: Annotated[
        list[str] | None, typer.Option("--label", help="Add a label. Repeatable.", metavar="LABEL")
    ] = None,
    remove_label: Annotated[
        list[str] | None, typer.Option("--remove-label", help="Remove a label. Repeatable.", metavar="LABEL")
    ] = None,
    description: Annotated[
        str | None, typer.Option("--description", "-d", help="What it is; '' removes it.", metavar="TEXT")
    ] = None,
    custom: Annotated[
        list[str] | None,
        typer.Option(
            "--custom",
            "-c",
            help="KEY=VALUE sets a key of the custom data, KEY= removes it; a JSON object replaces all. Repeatable.",
            metavar="KEY=VALUE",
        ),
    ] = None,
    must_exist: Annotated[
        bool, typer.Option("--must-exist", "-e", help="Refuse a path that is not in the repo.")
    ] = False,
    allow_same_path: Annotated[
        bool, typer.Option("--allow-same-path", help="Allow the path of another artifact.")
    ] = False,
    branch: Branch = None,
    message: options.Message = None,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Say what an artifact is, by a commit to the file that declares it.

    That is artifacts.yaml, or the dvc.yaml that has the artifact already. Comments and order in it stay, and what is
    not given stays. An empty value removes a field.
    """
    from modelkeep.sdk.registry_writing import UNSET

    with options.connect(url, token) as hub:
        handle = hub.repo(repo)
        data: Json = None
        if custom:
            data = _custom(
                custom, lambda: _present_custom(hub.repo(repo).annotations(revision=branch), artifact)
            )
        done = handle.annotate(
            artifact,
            type=UNSET if type is None else type or None,
            path=UNSET if path is None else path or None,
            add_labels=label or [],
            remove_labels=remove_label or [],
            description=UNSET if description is None else description or None,
            custom=UNSET if not custom else data,
            branch=branch,
            message=message,
            must_exist=must_exist,
            allow_same_path=allow_same_path,
        )
    if as_json:
        show_json(done)
    elif done.commit is None:
        say(f"{printable(done.annotation.source)} says so already; nothing was committed.")
    else:
        say(
            f"Annotated {printable(artifact)} in {printable(done.annotation.source)} (commit {done.commit.id[:10]})."
        )


@options.example(
    "modelkeep describe acme/churn churn",
    "modelkeep describe acme/churn churn --revision churn@v1.0.0 --path",
)
def describe(
    repo: options.RepoName,
    artifact: options.ArtifactName,
    revision: Annotated[
        str | None,
        typer.Option(
            "--revision",
            "--at-revision",
            "--rev",
            "-r",
            help="A branch, tag, version or commit.",
            metavar="REVISION",
        ),
    ] = None,
    only_type: Annotated[bool, typer.Option("--type", help="Print only the type.")] = False,
    only_path: Annotated[bool, typer.Option("--path", help="Print only the path.")] = False,
    only_description: Annotated[
        bool, typer.Option("--description", help="Print only the description.")
    ] = False,
    only_custom: Annotated[
        bool, typer.Option("--custom", help="Print only the custom data, as JSON.")
    ] = False,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Show what the repo says about an artifact."""
    if only_type + only_path + only_description + only_custom + as_json > 1:
        raise typer.BadParameter("Give only one of --type, --path, --description, --custom and --json.")
    with options.connect(url, token) as hub:
        found = hub.repo(repo).annotation(artifact, revision=revision)
    if as_json:
        show_json(found)
    elif only_custom:
        show_json(found.custom)
    elif only_type or only_path or only_description:
        chosen = found.type if only_type else found.path if only_path else found.description
        say("\n".join(map(printable, (chosen or "").split("\n"))))
    else:
        _show(found)


@options.example("modelkeep remove acme/churn old-model")
def remove(
    repo: options.RepoName,
    artifact: options.ArtifactName,
    branch: Branch = None,
    message: options.Message = None,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Remove what the repo says about an artifact. Its versions and stages stay."""
    with options.connect(url, token) as hub:
        commit = hub.repo(repo).remove_annotation(artifact, branch=branch, message=message)
    if as_json:
        show_json(commit)
    else:
        say(f"Removed what was said about {printable(artifact)} (commit {commit.id[:10]}).")


def _show(found: Annotation) -> None:
    show_fields(
        [
            ("artifact", found.artifact),
            ("type", found.type or ""),
            ("path", (found.path or "") + (" (a link)" if found.is_link else "")),
            ("checksum", found.checksum or ""),
            ("labels", ", ".join(found.labels)),
            ("description", found.description or ""),
            ("custom", "" if found.custom is None else json.dumps(found.custom)),
            ("declared in", found.source),
        ]
    )


def _present_custom(annotations: Iterable[Annotation], artifact: str) -> dict[str, Json]:
    """The custom data so far; empty where there is none, or none with keys."""
    present = next((one.custom for one in annotations if one.artifact == artifact), None)
    return dict(present) if isinstance(present, dict) else {}


def _custom(given: list[str], present: Callable[[], dict[str, Json]]) -> Json:
    """The custom data that the options ask for: keys beside the present ones, or a JSON document in their place."""
    if len(given) == 1 and given[0].lstrip()[:1] in ("{", "["):
        return _json(given[0])
    data = present()
    for item in given:
        key, equals, value = item.partition("=")
        if not equals or not key:
            raise typer.BadParameter(f"--custom takes KEY=VALUE or a JSON object, not {item[:80]!r}.")
        if value:
            data[key] = _json(value) if _looks_like_json(value) else value
        else:
            data.pop(key, None)
    return data or None


def _looks_like_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return text[:1] in ("{", "[")
    return True


def _json(text: str) -> Json:
    try:
        value: Json = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise typer.BadParameter(f"{text[:80]!r} is not JSON: {error}.") from None
    return value
