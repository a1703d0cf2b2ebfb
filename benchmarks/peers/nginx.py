"""nginx with a configuration of ours, in the foreground, all its files in one folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import indent

from benchmarks.processes import HOST, find_program, free_port, running

_CONFIGURATION = """\
daemon off;
{user}worker_processes 2;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log warn;
events {{ worker_connections 256; }}
http {{
    access_log off;
    default_type application/octet-stream;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 100000;
    client_max_body_size 0;
    client_body_temp_path {folder}/nginx-body;
    proxy_temp_path {folder}/nginx-proxy;
    fastcgi_temp_path {folder}/nginx-fastcgi;
    uwsgi_temp_path {folder}/nginx-uwsgi;
    scgi_temp_path {folder}/nginx-scgi;
{upstreams}
    server {{
        listen {host}:{port} backlog=1024;
{locations}
    }}
}}
"""


@contextmanager
def serving(folder: Path, locations: str, *, upstreams: str = "") -> Iterator[str]:
    """Runs nginx with these ``location`` blocks; yields its URL."""
    program = find_program("nginx")
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    configuration = folder / "nginx.conf"
    configuration.write_text(
        _CONFIGURATION.format(
            # Started as root, its workers would be nobody, who may not read our folder.
            user="user root root;\n" if os.geteuid() == 0 else "",
            folder=folder,
            host=HOST,
            port=port,
            upstreams=indent(upstreams, " " * 4),
            locations=indent(locations, " " * 8),
        ),
        encoding="utf-8",
    )
    command = [program, "-p", str(folder), "-e", str(folder / "nginx.log"), "-c", str(configuration)]
    with running(command, ready=port, log=folder / "nginx.log"):
        yield f"http://{HOST}:{port}"


def files_at(prefix: str, folder: Path, *, internal: bool = False) -> str:
    """Serves a folder's files by sendfile."""
    only = "internal; " if internal else ""
    return f"location {prefix} {{ {only}alias {folder}/; }}\n"


def proxy_to(url: str) -> str:
    """Passes everything on, bodies unbuffered both ways."""
    return f"""\
location / {{
    proxy_pass {url};
    proxy_http_version 1.1;
    proxy_set_header Host $http_host;
    proxy_set_header Connection "";
    proxy_request_buffering off;
    proxy_buffering off;
}}
"""
