"""``modelkeep upload`` and ``modelkeep download``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelkeep.cli import options
from modelkeep.cli.bars import progress
from modelkeep.cli.output import note, printable, say, show_json, size_text

if TYPE_CHECKING:
    from modelkeep.sdk.download import Download
    from modelkeep.sdk.upload import Upload


@options.example(
    "modelkeep upload acme/churn trained/ --message 'Train on October'",
    "modelkeep upload acme/churn model.onnx --to onnx/",
)
def upload(
    repo: options.RepoName,
    path: Annotated[Path, typer.Argument(help="A file or a folder.", metavar="PATH", show_default=False)],
    to: Annotated[
        str,
        typer.Option(
            "--to", help="Where in the repo; for a file, its path or a folder with '/'.", metavar="PATH"
        ),
    ] = "",
    branch: Annotated[
        str | None, typer.Option("--branch", "-b", help="Else the default branch.", metavar="BRANCH")
    ] = None,
    message: options.Message = None,
    include: options.Include = None,
    exclude: options.Exclude = None,
    follows_links: Annotated[
        bool, typer.Option("--follow-links", help="Upload the files that symbolic links name.")
    ] = False,
    workers: options.Workers = 8,
    is_quiet: options.Quiet = False,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Upload a file or a folder into a repo, as one commit.

    The hub decides which files go to Git LFS. What it has already is not sent again; an upload that was interrupted
    goes on where it ended when you repeat the command.
    """
    try:
        with options.connect(url, token) as hub, progress(is_quiet=is_quiet or as_json) as callback:
            done = hub.repo(repo).upload(
                path,
                to=to,
                branch=branch,
                message=message,
                include=include or [],
                exclude=exclude or [],
                follows_links=follows_links,
                workers=workers,
                progress=callback,
            )
    except KeyboardInterrupt:
        note("Interrupted. Repeat the command to go on.")
        raise
    if as_json:
        show_json(done)
    else:
        say(_upload_summary(done))


@options.example(
    "modelkeep download acme/churn --stage prod --to models/churn",
    "modelkeep download acme/churn --revision main --include '*.onnx'",
)
def download(
    repo: options.RepoName,
    artifact: Annotated[
        str | None,
        typer.Argument(
            help="The artifact, where the repo has several.", metavar="[ARTIFACT]", show_default=False
        ),
    ] = None,
    stage: Annotated[
        str | None, typer.Option("--stage", "-s", help="The version in this stage.", metavar="STAGE")
    ] = None,
    version: Annotated[
        str | None, typer.Option("--version", help="This version, or 'latest'.", metavar="VERSION")
    ] = None,
    revision: Annotated[
        str | None, typer.Option("--revision", "-r", help="A branch, tag or commit.", metavar="REVISION")
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option("--to", help="The folder to write to; else one named like the repo.", metavar="DIR"),
    ] = None,
    include: options.Include = None,
    exclude: options.Exclude = None,
    workers: options.Workers = 8,
    is_quiet: options.Quiet = False,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Download a model by stage, version or revision.

    Every file is verified before it gets its name; files that are there already and right are left alone. A download
    that was interrupted goes on where it ended when you repeat the command. Nothing is written outside the folder,
    and nothing in it is deleted.
    """
    folder = to or Path(repo.rpartition("/")[2])
    try:
        with options.connect(url, token) as hub, progress(is_quiet=is_quiet or as_json) as callback:
            done = hub.repo(repo).download(
                folder,
                revision=revision,
                artifact=artifact,
                stage=stage,
                version=version,
                include=include or [],
                exclude=exclude or [],
                workers=workers,
                progress=callback,
            )
    except KeyboardInterrupt:
        note("Interrupted. Repeat the command to go on.")
        raise
    if as_json:
        show_json(done)
    else:
        _show_download(done)


def _upload_summary(done: Upload) -> str:
    commit = f" (commit {done.commit.id[:10]})" if done.commit else ""
    place = f"{done.repo}, branch {printable(done.branch)}{commit}"
    if not done.has_changed:
        return f"Nothing to upload: {len(done.files)} files are there already in {place}."
    new = [file for file in done.files if file.outcome != "unchanged"]
    size = size_text(sum(file.size for file in new))
    same = len(done.files) - len(new)
    rest = f"; {same} were there already" if same else ""
    return f"Uploaded {len(new)} {'file' if len(new) == 1 else 'files'}, {size}, to {place}{rest}."


def _show_download(done: Download) -> None:
    named = done.revision.removeprefix("refs/heads/")
    if done.version and done.version not in named:
        named = f"{named} = {done.version}"
    new = [file for file in done.files if file.outcome == "downloaded"]
    same = len(done.files) - len(new)
    rest = f"; {same} were there already" if same else ""
    say(
        f"Downloaded {len(new)} {'file' if len(new) == 1 else 'files'}, {size_text(sum(file.size for file in new))}, "
        f"of {done.repo} {printable(named)} (commit {done.commit[:10]}) to {done.folder}{rest}."
    )
    for path in done.skipped:
        note(f"skipped {printable(path)}: symbolic links and submodules are not written.")
