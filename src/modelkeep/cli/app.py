"""The command ``modelkeep``: its sub-commands and their help."""

from __future__ import annotations

from typing import Annotated

import typer

from modelkeep import __version__
from modelkeep.cli import admin, git_credential, login, options, registry, repos, serve, transfers
from modelkeep.cli.output import say

app = typer.Typer(
    name="modelkeep",
    help="Modelkeep: keep, version and promote models in Git.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 100},
)


def _show_version(is_asked: bool) -> None:
    if is_asked:
        say(f"modelkeep {__version__}")
        raise typer.Exit


@app.callback()
def _start(
    is_version: Annotated[
        bool,
        typer.Option("--version", help="Show the version and exit.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    pass


_example = options.examples
app.command(
    "login",
    epilog=_example(
        "modelkeep login --url https://hub.example.org",
        "echo $TOKEN | modelkeep login --url https://hub.example.org --token -",
    ),
)(login.login)
app.command("logout", epilog=_example("modelkeep logout"))(login.logout)
app.command("whoami", epilog=_example("modelkeep whoami --json"))(login.whoami)
app.add_typer(repos.app, name="repo")
app.command(
    "upload",
    epilog=_example(
        "modelkeep upload acme/churn trained/ --message 'Train on October'",
        "modelkeep upload acme/churn model.onnx --to onnx/",
    ),
)(transfers.upload)
app.command(
    "download",
    epilog=_example(
        "modelkeep download acme/churn --stage prod --to models/churn",
        "modelkeep download acme/churn --revision main --include '*.onnx'",
    ),
)(transfers.download)
app.command("show", epilog=_example("modelkeep show", "modelkeep show acme/churn --json"))(registry.show)
app.command(
    "register",
    epilog=_example(
        "modelkeep register acme/churn churn --version v1.0.0",
        "modelkeep register acme/churn churn --bump-minor",
    ),
)(registry.register)
app.command("promote", epilog=_example("modelkeep promote acme/churn churn --version v1.0.0 --stage prod"))(
    registry.promote
)
app.command("rollback", epilog=_example("modelkeep rollback acme/churn churn --stage prod"))(
    registry.rollback
)
app.command("unassign", epilog=_example("modelkeep unassign acme/churn churn --stage staging"))(
    registry.unassign
)
app.command("git-credential", epilog=_example("git config credential.helper '!modelkeep git-credential'"))(
    git_credential.git_credential
)
app.command(
    "serve",
    epilog=_example("modelkeep serve --data hub", "modelkeep serve --data /srv/hub --config hub.toml"),
)(serve.serve)
app.command(
    "reindex", epilog=_example("modelkeep reindex --data hub", "modelkeep reindex --check --data hub")
)(serve.reindex)
app.add_typer(admin.app, name="admin")
