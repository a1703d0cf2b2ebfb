"""Runs ``git``: a clean environment, forced settings, limits on time and output, and no way out to a network."""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import tempfile
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from modelkeep.domain.errors import TooLarge, Unavailable

OUTPUT_LIMIT = 256 << 20
ERROR_LIMIT = 64 << 10
DEFAULT_TIMEOUT = 60.0

FSYNC = "core.fsync=committed,reference,pack-metadata"

_FORCED = (
    "protocol.allow=never",
    FSYNC,
    "core.fsyncMethod=fsync",
    "core.useReplaceRefs=false",
    "core.hooksPath=/dev/null",
    "gc.auto=0",
    "maintenance.auto=false",
    "safe.directory=*",
)


@dataclass(frozen=True, slots=True)
class Completed:
    """What a finished process left: its exit code, its output and (at most 64 KiB of) its errors."""

    code: int
    output: bytes
    errors: str


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The whole environment of a git process: nothing is inherited but ``PATH``.

    No configuration of the system or of a user is read, nothing asks for a password, no transport is allowed
    (an empty ``GIT_ALLOW_PROTOCOL`` allows none), replacement objects are ignored.
    """
    clean = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": "/nonexistent",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "/bin/false",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_ALLOW_PROTOCOL": "",
    }
    return {**clean, **(extra or {})}


def command(args: Sequence[str], *, git_dir: Path | None, config: Sequence[str] = ()) -> list[str]:
    """The argument list that runs ``git args`` on ``git_dir`` with the forced settings; ``config`` adds to them."""
    line = ["git", "--no-pager"]
    if git_dir is not None:
        line.append(f"--git-dir={git_dir}")
    for setting in (*_FORCED, *config):
        line += ["-c", setting]
    return [*line, *args]


def attempt(
    args: Sequence[str],
    *,
    git_dir: Path | None,
    input: bytes = b"",
    timeout: float = DEFAULT_TIMEOUT,
    env: Mapping[str, str] | None = None,
    config: Sequence[str] = (),
    output_limit: int = OUTPUT_LIMIT,
) -> Completed:
    """Runs ``git`` to its end, whatever its exit code.

    Raises:
        Unavailable: Git is not installed, or took longer than ``timeout`` seconds (it is killed).
        TooLarge: It wrote more than ``output_limit`` bytes (it is killed).
    """
    process = _start(command(args, git_dir=git_dir, config=config), subprocess.PIPE, env)
    try:
        output, errors = _exchange(process, input, time.monotonic() + timeout, output_limit)
        return Completed(process.wait(), output, errors.decode("utf-8", "replace"))
    finally:
        _end(process)


def run(
    args: Sequence[str],
    *,
    git_dir: Path | None,
    input: bytes = b"",
    timeout: float = DEFAULT_TIMEOUT,
    env: Mapping[str, str] | None = None,
    codes: Collection[int] = (0,),
) -> bytes:
    """Runs ``git`` and returns what it wrote.

    Raises:
        Unavailable: As :func:`attempt`, or it ended with a code that is not in ``codes``; what git said is in the
            exception's notes (for logs: it may name paths of the server).
        TooLarge: As :func:`attempt`.
    """
    done = attempt(args, git_dir=git_dir, input=input, timeout=timeout, env=env)
    if done.code not in codes:
        raise failure(args, done.code, done.errors)
    return done.output


@contextlib.contextmanager
def stream(
    args: Sequence[str],
    *,
    git_dir: Path,
    input: bytes = b"",
    timeout: float = DEFAULT_TIMEOUT,
    env: Mapping[str, str] | None = None,
) -> Iterator[IO[bytes]]:
    """Runs ``git`` and gives its output as a buffered stream; the whole ``input`` is written to a file beforehand.

    Leaving the block before the end of the stream ends the process. Leaving it at the end checks how it ended.

    Raises:
        Unavailable: Git is missing, failed, or was killed after ``timeout`` seconds.
    """
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as errors:
        source.write(input)
        source.seek(0)
        process = _start(command(args, git_dir=git_dir), source, env, errors)
        watchdog = threading.Timer(timeout, process.kill)
        watchdog.daemon = True
        watchdog.start()
        output = cast(IO[bytes], process.stdout)
        try:
            yield output
            if output.read(1) == b"" and process.wait() != 0:
                errors.seek(0)
                raise failure(args, process.returncode, errors.read(ERROR_LIMIT).decode("utf-8", "replace"))
        finally:
            watchdog.cancel()
            _end(process)


def version() -> str:
    """The version of the installed git, such as ``2.39.5``.

    Raises:
        Unavailable: Git is not installed.
    """
    return run(["version"], git_dir=None).decode().split()[2]


def failure(args: Sequence[str], code: int, errors: str) -> Unavailable:
    """The error for a git process that ended badly: a message for users, what git said as a note for logs."""
    error = Unavailable(
        f"Git could not finish this operation (git {args[0]}).", code="git_failed", exit_code=code
    )
    error.add_note(f"git {args[0]} ended with {code}: {errors.strip()}")
    return error


def _start(
    line: Sequence[str],
    stdin: int | IO[bytes],
    env: Mapping[str, str] | None,
    stderr: int | IO[bytes] = subprocess.PIPE,
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            line,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=environment(env),
            start_new_session=True,
        )
    except OSError as error:
        raise Unavailable("Git cannot be started on this server.", code="git_missing") from error


def _exchange(
    process: subprocess.Popen[bytes], input: bytes, deadline: float, output_limit: int
) -> tuple[bytes, bytes]:
    """Feeds and drains the three pipes at once, so that none can block another."""
    stdin, stdout, stderr = (
        cast(IO[bytes], pipe) for pipe in (process.stdin, process.stdout, process.stderr)
    )
    output, errors, rest = bytearray(), bytearray(), memoryview(input)
    with selectors.DefaultSelector() as selector:
        for pipe in (stdin, stdout, stderr):
            os.set_blocking(pipe.fileno(), False)
        selector.register(stdout, selectors.EVENT_READ, output)
        selector.register(stderr, selectors.EVENT_READ, errors)
        if rest:
            selector.register(stdin, selectors.EVENT_WRITE)
        else:
            stdin.close()
        while selector.get_map():
            ready = selector.select(max(0.0, deadline - time.monotonic()))
            if not ready:
                raise Unavailable("Git took too long and was stopped.", code="git_timeout")
            for key, _ in ready:
                if key.data is None:
                    rest = _write(stdin, rest)
                    done = not rest
                else:
                    done = not _read_into(key.fd, key.data, output_limit if key.data is output else None)
                if done:
                    selector.unregister(key.fileobj)
                    if key.data is None:
                        stdin.close()
    return bytes(output), bytes(errors)


def _write(pipe: IO[bytes], rest: memoryview) -> memoryview:
    try:
        return rest[os.write(pipe.fileno(), rest[: 1 << 16]) :]
    except BlockingIOError:
        return rest
    except BrokenPipeError:
        return rest[:0]


def _read_into(descriptor: int, buffer: bytearray, limit: int | None) -> bool:
    """Reads once; False at the end. Without a ``limit`` what is over :data:`ERROR_LIMIT` is dropped."""
    data = os.read(descriptor, 1 << 16)
    if limit is None:
        buffer += data[: max(0, ERROR_LIMIT - len(buffer))]
    else:
        buffer += data
        if len(buffer) > limit:
            raise TooLarge(
                f"Git's answer is larger than {limit} bytes.", code="git_output_too_large", limit=limit
            )
    return bool(data)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
