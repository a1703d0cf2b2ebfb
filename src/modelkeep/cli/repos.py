"""``modelkeep repo …``: create, list, show, change, delete and restore repos."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from modelkeep.cli import options
from modelkeep.cli.output import say, show_fields, show_json, show_list, size_text, time_text

if TYPE_CHECKING:
    from modelkeep.sdk.models import Repo
    from modelkeep.sdk.models_imports import Import


Visibility = Annotated[
    str | None,
    typer.Option(
        "--visibility", help="private, shared (all who are signed in) or public.", metavar="VISIBILITY"
    ),
]
Labels = Annotated[
    list[str] | None, typer.Option("--label", help="A label to find it by. Repeatable.", metavar="LABEL")
]


@options.example("modelkeep repo create acme/churn --visibility shared")
def create(
    repo: options.RepoName,
    visibility: Visibility = None,
    description: Annotated[str, typer.Option("--description", help="One line.", metavar="TEXT")] = "",
    label: Labels = None,
    is_empty: Annotated[bool, typer.Option("--empty", help="Leave out the first commit.")] = False,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Create a repo; the namespace is you or an organisation of yours.

    The first commit holds a .gitattributes that gives the usual weight formats to Git LFS.
    """
    with options.connect(url, token) as hub:
        made = hub.repos.create(
            repo, visibility=visibility, description=description, labels=label or [], is_empty=is_empty
        )
    if as_json:
        show_json(made)
    else:
        say(f"Created {made.full_name} ({made.visibility}).")
        say(f"  git clone {made.urls.get('git', '')}")


@options.example(
    "modelkeep repo list --namespace acme",
    "modelkeep repo list --license apache-2.0 --pipeline-tag text-classification",
    "modelkeep repo list --json",
)
def list_repos(
    namespace: Annotated[
        str | None, typer.Option("--namespace", help="Only of this one.", metavar="NAME")
    ] = None,
    query: Annotated[str | None, typer.Option("--query", help="Words to search for.", metavar="TEXT")] = None,
    label: Annotated[
        str | None, typer.Option("--label", help="Only with this label.", metavar="LABEL")
    ] = None,
    visibility: Visibility = None,
    license_: Annotated[
        str | None, typer.Option("--license", help="Only whose card gives this license.", metavar="LICENSE")
    ] = None,
    library: Annotated[
        str | None, typer.Option("--library", help="Only whose card names this library.", metavar="LIBRARY")
    ] = None,
    pipeline_tag: Annotated[
        str | None,
        typer.Option("--pipeline-tag", help="Only whose card says that the model does this.", metavar="TASK"),
    ] = None,
    base_model: Annotated[
        str | None,
        typer.Option("--base-model", help="Only whose card names this base model.", metavar="MODEL"),
    ] = None,
    tag: Annotated[
        str | None,
        typer.Option("--tag", help="Only whose card has this tag, such as dataset:imdb.", metavar="TAG"),
    ] = None,
    sort: Annotated[
        str | None,
        typer.Option("--sort", help="updated, created, downloads or name.", metavar="ORDER"),
    ] = None,
    limit: options.Limit = None,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """List the repos that you may read."""
    with options.connect(url, token) as hub:
        found = hub.repos.list(
            namespace=namespace,
            query=query,
            label=label,
            visibility=visibility,
            license=license_,
            library=library,
            pipeline_tag=pipeline_tag,
            base_model=base_model,
            tag=tag,
            sort=sort,
        )
        show_list(
            found.up_to(limit),
            ("repo", "visibility", "updated", "description"),
            lambda one: (one.full_name, one.visibility, time_text(one.updated_at), one.description),
            empty="There is no repo that you may read.",
            as_json=as_json,
        )


@options.example("modelkeep repo show acme/churn")
def show(
    repo: options.RepoName,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Show a repo's addresses, visibility and size."""
    with options.connect(url, token) as hub:
        found = hub.repos.get(repo)
        origin = None if as_json else hub.imports.list(found.full_name).first()
    if as_json:
        show_json(found)
    else:
        _show_repo(found, origin)


@options.example("modelkeep repo delete acme/old --yes")
def delete(
    repo: options.RepoName,
    is_sure: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    is_forced: Annotated[bool, typer.Option("--force", help="Although something depends on it.")] = False,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Delete a repo. It can be restored for some time.

    It is refused while something depends on it, such as a version in a stage.
    """
    if not is_sure:
        if not sys.stdin.isatty():
            raise typer.BadParameter("Deleting without a terminal needs --yes.")
        typer.confirm(f"Delete {repo} with all that is in it?", abort=True, err=True)
    with options.connect(url, token) as hub:
        until = hub.repos.delete(repo, is_forced=is_forced)
    if as_json:
        show_json({"repo": repo, "restorable_until": until})
    else:
        say(f"Deleted {repo}." + (f" It can be restored until {time_text(until)} UTC." if until else ""))


@options.example("modelkeep repo restore acme/old")
def restore(
    repo: options.RepoName,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Bring back a repo that was deleted."""
    with options.connect(url, token) as hub:
        found = hub.repos.restore(repo)
    _tell(found, as_json, f"Restored {found.full_name}.")


@options.example("modelkeep repo rename acme/churn attrition", "modelkeep repo rename acme/churn sales/churn")
def rename(
    repo: options.RepoName,
    new_name: Annotated[
        str, typer.Argument(help="The new name.", metavar="[NAMESPACE/]NEW", show_default=False)
    ],
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Rename a repo, or move it to another namespace. The old addresses go on working."""
    with options.connect(url, token) as hub:
        found = hub.repos.rename(repo, new_name)
    _tell(found, as_json, f"{repo} is now {found.full_name}.")


@options.example("modelkeep repo edit acme/churn --visibility public --label tabular")
def edit(
    repo: options.RepoName,
    visibility: Visibility = None,
    description: Annotated[
        str | None, typer.Option("--description", help="One line.", metavar="TEXT")
    ] = None,
    label: Labels = None,
    default_branch: Annotated[
        str | None, typer.Option("--default-branch", help="An existing branch.", metavar="BRANCH")
    ] = None,
    strict_tags: Annotated[
        bool | None,
        typer.Option("--strict-tags/--no-strict-tags", help="Refuse registry tags that would stop gto."),
    ] = None,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Change a repo's visibility, description, labels, default branch or strict tags; what is not given stays."""
    with options.connect(url, token) as hub:
        found = hub.repos.update(
            repo,
            visibility=visibility,
            description=description,
            labels=label,
            default_branch=default_branch,
            strict_tags=strict_tags,
        )
    _tell(found, as_json, f"Changed {found.full_name}.")


def _tell(repo: Repo, as_json: bool, sentence: str) -> None:
    if as_json:
        show_json(repo)
    else:
        say(sentence)


def _show_repo(repo: Repo, origin: Import | None) -> None:
    show_fields(
        [
            ("repo", repo.full_name),
            ("description", repo.description),
            ("visibility", repo.visibility),
            ("labels", ", ".join(repo.labels)),
            ("default branch", repo.default_branch),
            ("strict tags", "yes" if repo.strict_tags else "no"),
            ("your role", repo.role),
            ("created", time_text(repo.created_at)),
            ("updated", time_text(repo.updated_at)),
            (
                "in LFS",
                f"{repo.lfs_files} files, {size_text(repo.lfs_bytes)}" if repo.lfs_files is not None else "",
            ),
            ("git", repo.urls.get("git", "")),
            ("imported from", f"{origin.url} ({origin.state}, import {origin.id})" if origin else ""),
        ]
    )
