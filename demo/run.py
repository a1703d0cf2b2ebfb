"""``make demo``: starts a hub, uses it as people would, and keeps it running for you to look at.

python demo/run.py          everything, then serves until Ctrl-C
python demo/run.py --exit   ends after the steps; the exit code is 0 only if all of them held
python demo/run.py --keep   serves what the last run left, without the steps
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import signal
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from demo.console import Teller  # noqa: E402 (found on the path set above)
from demo.hub import Hub, HubFailed, choose_port  # noqa: E402
from demo.person import Failed, Person  # noqa: E402
from demo.story import REPOS, Story  # noqa: E402
from modelkeep.identity.secrets import new_password, new_token  # noqa: E402

MARKER = ".modelkeep-demo"
PORT = 8000


@dataclass(frozen=True)
class Login:
    """The owner's account, the same as long as the data is."""

    user: str
    password: str
    token: str


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    teller = Teller()
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        return _demonstrate(options, teller)
    except KeyboardInterrupt:
        teller.plain("\nStopped.")
        return 130


def _demonstrate(options: argparse.Namespace, teller: Teller) -> int:
    folder: Path = options.data.absolute()
    login = _old_login(folder) if options.keep else _fresh_folder(folder)
    port = choose_port(options.port)
    hub = Hub(_short(folder / "hub"), folder / "serve.log", port=port, environment=_unattended(login))
    started = time.monotonic()
    teller.title("Modelkeep: a hub, two organisations, three models, and the clients that people have")
    teller.plain(
        f"Every command is run as it is printed; ~ is the person's home in {_short(folder / 'people')}."
    )
    try:
        _start(hub, options.port, teller)
        if not options.keep:
            _story(hub, folder, login, options.megabytes, teller).tell()
    except (Failed, HubFailed) as failure:
        _explain(failure, hub, teller)
        hub.stop()
        return 1
    except BaseException:
        hub.stop()
        raise
    teller.plain()
    teller.plain(f"All of it held, in {time.monotonic() - started:.0f} s.", style="bold green")
    if options.exit:
        hub.stop()
        return 0
    return _keep_serving(hub, folder, login, teller)


def _start(hub: Hub, wanted: int, teller: Teller) -> None:
    teller.chapter("Start a hub on this machine, with nothing but a data folder")
    command = f"modelkeep serve --data {shlex.quote(str(hub.data))} --port {hub.port}"
    with teller.step("modelkeep$", command):
        hub.start()
    if hub.port != wanted:
        teller.quote(f"Port {wanted} is taken here, so it listens on {hub.port}.")


def _story(hub: Hub, folder: Path, login: Login, megabytes: int, teller: Teller) -> Story:
    ada = Person(login.user, "Ada", folder.resolve() / "people" / "ada", teller)
    grace = Person("grace", "Grace", folder.resolve() / "people" / "grace", teller)
    mia = Person("mia", "Mia", folder.resolve() / "people" / "mia", teller)
    return Story(teller, hub.url, hub.data, login.token, megabytes, ada, grace, mia)


def _explain(failure: Failed | HubFailed, hub: Hub, teller: Teller) -> None:
    teller.plain()
    teller.plain(f"This did not hold. {failure}", style="bold red")
    if failure.output:
        teller.plain("It said:")
        teller.quote_whole(failure.output)
    if isinstance(failure, Failed):
        teller.plain(f"The hub's log ends with ({_short(hub.log)}):")
        teller.quote_whole(hub.log_tail())


def _keep_serving(hub: Hub, folder: Path, login: Login, teller: Teller) -> int:
    _say_what_next(hub, folder, login, teller)
    try:
        ended = hub.wait()
    except KeyboardInterrupt:
        with suppress(KeyboardInterrupt):
            teller.plain("\nStopping the hub.")
        hub.stop()
        return 0
    teller.plain(f"The hub ended by itself with exit code {ended}:", style="bold red")
    teller.quote_whole(hub.log_tail())
    return 1


def _say_what_next(hub: Hub, folder: Path, login: Login, teller: Teller) -> None:
    teller.plain()
    teller.plain("The hub keeps running. Press Ctrl-C to stop it.", style="bold")
    teller.plain()
    teller.plain(f"  Hub         {hub.url}    API: {hub.url}/api/v1/openapi.json")
    for repo in REPOS:
        teller.plain(f"  Repo        {hub.url}/{repo}.git")
    teller.plain(f"  User        {login.user}")
    teller.plain(f"  Password    {login.password}")
    teller.plain(f"  Token       {login.token}")
    teller.plain(f"  Data        {_short(folder / 'hub')}, log in {_short(hub.log)}")
    teller.plain()
    teller.plain("Try, in another terminal:", style="bold")
    teller.plain()
    for line in (
        f"export PATH={_short(Path(sys.executable).parent)}:$PATH MODELKEEP_URL={hub.url}",
        f"export MODELKEEP_TOKEN={login.token}",
        "modelkeep show",
        "modelkeep download acme/iris --stage prod --to /tmp/iris",
        "modelkeep promote acme/iris iris --version v1.1.0 --stage prod",
        f"git -C {_short(folder / 'people/ada/iris')} fetch --tags",
        f"curl -s {hub.url}/api/v1/registry -u {login.user}   # asks for the password",
    ):
        teller.plain(f"  {line}")
    teller.plain()
    sys.stdout.flush()


def _fresh_folder(folder: Path) -> Login:
    """Empties the folder of the last run; refuses one that is something else."""
    if folder.exists() and any(folder.iterdir()) and not (folder / MARKER).exists():
        sys.exit(f"{folder} holds something else; choose another folder with --data.")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / MARKER).touch()
    login = Login("ada", new_password(), new_token())
    with os.fdopen(os.open(folder / "login.json", os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
        json.dump(asdict(login), file)
    return login


def _old_login(folder: Path) -> Login:
    try:
        return Login(**json.loads((folder / "login.json").read_text(encoding="utf-8")))
    except OSError:
        sys.exit(f"{folder} has nothing to keep; run without --keep first.")


def _unattended(login: Login) -> dict[str, str]:
    """What an unattended first start is given instead of making it up and printing it."""
    return {
        "MODELKEEP_ADMIN_USER": login.user,
        "MODELKEEP_ADMIN_PASSWORD": login.password,
        "MODELKEEP_ADMIN_TOKEN": login.token,
    }


def _short(path: Path) -> Path:
    """The path as seen from the checkout, where the commands are typed."""
    with suppress(ValueError):
        return path.absolute().relative_to(ROOT)
    return path.absolute()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="A demonstration of Modelkeep, with the real clients.")
    parser.add_argument("--exit", action="store_true", help="end after the steps instead of serving on")
    parser.add_argument("--keep", action="store_true", help="serve what the last run left, without the steps")
    parser.add_argument("--data", type=Path, default=ROOT / "var" / "demo", help="where to (var/demo)")
    parser.add_argument("--port", type=int, default=PORT, help=f"the port to try first ({PORT})")
    parser.add_argument("--megabytes", type=int, default=200, help="size of the large model (200)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
