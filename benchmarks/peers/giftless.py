"""giftless, a Git LFS server, run by uWSGI behind nginx, beside ``git http-backend`` run by fcgiwrap.

This is what a team gets that puts Git and LFS together from packages. Neither knows users here, and giftless signs no
URLs, so that it has less to do. (Its own anonymous user may not name objects without them.)
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers import nginx
from benchmarks.processes import Missing, find_program, running

ROOT = Path(__file__).resolve().parents[2]
_ENVIRONMENT = ROOT / ".venv-giftless"
_GIT_PROCESSES = 8

_GIFTLESS = """\
AUTH_PROVIDERS: ["anybody:identify"]
LEGACY_ENDPOINTS: false
PRE_AUTHORIZED_ACTION_PROVIDER: null
TRANSFER_ADAPTERS:
  basic:
    options:
      storage_options:
        path: {storage}
"""

_ANYBODY = """\
from giftless.auth.identity import DefaultIdentity


class Anybody(DefaultIdentity):
    def is_authorized(self, *args, **kwargs):
        return True


def identify(request):
    return Anybody(name="anybody", id="anybody")
"""

_LFS_LOCATION = """\
location ~ ^/.+\\.git/info/lfs/ {{
    uwsgi_pass unix:{socket};
    uwsgi_param QUERY_STRING $query_string;
    uwsgi_param REQUEST_METHOD $request_method;
    uwsgi_param CONTENT_TYPE $content_type;
    uwsgi_param CONTENT_LENGTH $content_length;
    uwsgi_param REQUEST_URI $request_uri;
    uwsgi_param PATH_INFO $document_uri;
    uwsgi_param SERVER_PROTOCOL $server_protocol;
    uwsgi_param REQUEST_SCHEME $scheme;
    uwsgi_param REMOTE_ADDR $remote_addr;
    uwsgi_param SERVER_PORT $server_port;
    uwsgi_param SERVER_NAME $host;
    uwsgi_request_buffering off;
    uwsgi_buffering off;
    uwsgi_buffer_size 256k;
    uwsgi_buffers 8 256k;
    uwsgi_busy_buffers_size 512k;
    uwsgi_read_timeout 600s;
}}
"""

_GIT_LOCATION = """\
location ~ ^/.+\\.git/(HEAD|info/refs|git-upload-pack|git-receive-pack)$ {{
    fastcgi_pass unix:{socket};
    fastcgi_param SCRIPT_FILENAME {backend};
    fastcgi_param GIT_PROJECT_ROOT {repos};
    fastcgi_param GIT_HTTP_EXPORT_ALL "";
    fastcgi_param GIT_PROTOCOL $http_git_protocol;
    fastcgi_param PATH_INFO $document_uri;
    fastcgi_param QUERY_STRING $query_string;
    fastcgi_param REQUEST_METHOD $request_method;
    fastcgi_param CONTENT_TYPE $content_type;
    fastcgi_param CONTENT_LENGTH $content_length;
    fastcgi_param REMOTE_USER bench;
    fastcgi_param REMOTE_ADDR $remote_addr;
    fastcgi_request_buffering off;
    fastcgi_buffering off;
    fastcgi_buffer_size 256k;
    fastcgi_buffers 8 256k;
    fastcgi_busy_buffers_size 512k;
    fastcgi_read_timeout 600s;
}}
"""


@dataclass(frozen=True)
class Forge:
    """The running pair."""

    url: str
    repos: Path

    def create_repo(self, name: str) -> str:
        """A new bare repo that accepts pushes; its URL."""
        path = self.repos / f"{name}.git"
        git = ["git", "-c", "init.defaultBranch=main"]
        subprocess.run([*git, "init", "--quiet", "--bare", str(path)], check=True)
        subprocess.run(["git", "-C", str(path), "config", "http.receivepack", "true"], check=True)
        return f"{self.url}/{name}.git"


@contextmanager
def git_and_lfs(folder: Path) -> Iterator[Forge]:
    """Runs all of it until the block ends.

    Raises:
        Missing: A part of it is not installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    repos = folder / "repos"
    repos.mkdir()
    with ExitStack() as stack:
        # Paths of sockets have a length limit, and the checkout may lie deep.
        sockets = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        stack.enter_context(_fcgiwrap(sockets / "git.sock", folder))
        stack.enter_context(_uwsgi(sockets / "lfs.sock", folder))
        locations = _LFS_LOCATION.format(socket=sockets / "lfs.sock")
        locations += _git_location(sockets / "git.sock", repos)
        yield Forge(stack.enter_context(nginx.serving(folder, locations)), repos)


@contextmanager
def git_alone(folder: Path) -> Iterator[Forge]:
    """Runs ``git http-backend`` behind nginx until the block ends, without LFS.

    Raises:
        Missing: A part of it is not installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    repos = folder / "repos"
    repos.mkdir()
    with ExitStack() as stack:
        sockets = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        stack.enter_context(_fcgiwrap(sockets / "git.sock", folder))
        locations = _git_location(sockets / "git.sock", repos)
        yield Forge(stack.enter_context(nginx.serving(folder, locations)), repos)


def _git_location(socket: Path, repos: Path) -> str:
    backend = subprocess.check_output(["git", "--exec-path"], text=True).strip() + "/git-http-backend"
    return _GIT_LOCATION.format(socket=socket, backend=backend, repos=repos)


@contextmanager
def _fcgiwrap(socket: Path, folder: Path) -> Iterator[None]:
    command = [find_program("fcgiwrap"), "-c", str(_GIT_PROCESSES), "-s", f"unix:{socket}"]
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "GIT_CONFIG_NOSYSTEM": "1",
    }
    with running(command, ready=socket, log=folder / "fcgiwrap.log", environment=environment):
        yield


@contextmanager
def _uwsgi(socket: Path, folder: Path) -> Iterator[None]:
    program = _ENVIRONMENT / "bin" / "uwsgi"
    if not program.exists():
        raise Missing(f"giftless is not installed in {_ENVIRONMENT.name}; `make setup-bench` does that")
    settings = folder / "giftless.yaml"
    settings.write_text(_GIFTLESS.format(storage=folder / "lfs"), encoding="utf-8")
    (folder / "anybody.py").write_text(_ANYBODY, encoding="utf-8")
    command = [
        str(program),
        "--pythonpath",
        str(folder),
        "--master",
        "--processes",
        "2",
        "--threads",
        "8",
        "--need-app",
        "--die-on-term",
    ]
    command += ["--virtualenv", str(_ENVIRONMENT), "--disable-logging", "--buffer-size", "32768"]
    command += ["--socket", str(socket), "--module", "giftless.wsgi_entrypoint", "--callable", "app"]
    environment = {"PATH": os.environ.get("PATH", os.defpath), "GIFTLESS_CONFIG_FILE": str(settings)}
    with running(command, ready=socket, log=folder / "giftless.log", cwd=folder, environment=environment):
        yield
