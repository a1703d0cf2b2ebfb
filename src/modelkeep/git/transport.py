"""Git's own ``upload-pack`` and ``receive-pack``, streamed: one request of the stateless protocol is one process.

Async, on whatever event loop runs. A chunk goes from the socket to the pipe without a thread; only the decision about a
push runs in one. Protocol: gitprotocol-http(5), gitprotocol-v2(5).
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Protocol, TypeVar

from modelkeep.domain.errors import InvalidInput, ModelkeepError, Unavailable
from modelkeep.git import process, push_hook
from modelkeep.git.pipes import Pipe, detached, ended
from modelkeep.git.push_hook import Proposal, Verdict

T = TypeVar("T")

LOG_LIMIT = 16 << 10

_END_OF_INPUT_SECONDS = 1.0
_END_OF_BODY_SECONDS = 2.0
_TERM_SECONDS = 3.0
_ADVERTISE_TIMEOUT = 60.0


class Service(StrEnum):
    """The two services of the protocol, by the names that clients use."""

    UPLOAD_PACK = "git-upload-pack"
    RECEIVE_PACK = "git-receive-pack"


@dataclass(frozen=True, slots=True)
class PackLimits:
    """What one process may use.

    Attributes:
        max_input_bytes: Of a pushed pack; None: no limit.
        seconds: Wall-clock time of the whole process, however slow the client is; then it is stopped.
        finish_seconds: How long an accepted push may take to move its refs once its client has gone.
        threads: Of ``pack-objects`` and ``index-pack``.
        window_memory: Of the delta search, per thread, as Git writes sizes.
        niceness: 0 to 19.
    """

    max_input_bytes: int | None = None
    seconds: float = 3600
    finish_seconds: float = 60
    threads: int = 1
    window_memory: str = "256m"
    niceness: int = 0


class Runner(Protocol):
    """Runs a blocking function in a thread, such as :func:`asyncio.to_thread`."""

    def __call__(self, function: Callable[[], T], /) -> Awaitable[T]:
        """Starts it; the result is awaited."""
        ...


def protocol_version(header: str | None) -> str:
    """The ``GIT_PROTOCOL`` for a ``Git-Protocol`` header: the highest version that it asks for and we know, or "".

    Nothing else of the header reaches Git. A malformed one counts as none, as the protocol wants of unknown keys.
    """
    asked = set((header or "")[:1024].split(":"))
    return next((version for version in ("version=2", "version=1") if version in asked), "")


def advertise(
    git_dir: Path, service: Service, *, protocol_header: str | None = None, extra_config: Sequence[str] = ()
) -> bytes:
    """The answer to ``GET info/refs?service=…``. Blocking: run it in a thread.

    Args:
        git_dir: The repository.
        service: What the client wants to start.
        protocol_header: Its ``Git-Protocol`` header. Pushes know only versions 0 and 1.
        extra_config: Settings for Git, ``key=value``.

    Raises:
        Unavailable: Git failed.
    """
    version = protocol_version(protocol_header)
    if service is Service.RECEIVE_PACK and version == "version=2":
        version = ""
    done = process.attempt(
        [service.removeprefix("git-"), "--http-backend-info-refs", str(git_dir)],
        git_dir=None,
        timeout=_ADVERTISE_TIMEOUT,
        env={"GIT_PROTOCOL": version} if version else None,
        config=_settings(PackLimits(), extra_config),
    )
    if done.code != 0:
        raise process.failure([str(service)], done.code, done.errors)
    if version == "version=2":
        return done.output
    line = f"# service={service}\n".encode()
    return b"%04x%s0000" % (len(line) + 4, line) + done.output


class PackProcess:
    """One running ``upload-pack`` or ``receive-pack``; make it with the class methods, use it with ``async with``.

    Leaving the block before the process has ended stops it with all its children and what it received is gone, except
    that an accepted push finishes moving its refs. Nothing outlives the block: no process, no pipe, no task.

    Attributes:
        accepted: Whether :class:`Verdict` ``accepted`` has been given to Git. Then read the refs to learn what has
            moved, whatever the exit code and whether or not the client is still there.
        failure: What an unforeseen exception in ``decide`` was; the user saw a general message.
        stopped: Whether the process was told to end before it had finished; a verdict that comes later is a refusal.
        timed_out: Whether that was for the time that it took.
    """

    def __init__(self, line: Sequence[str], env: dict[str, str], limits: PackLimits) -> None:
        self.accepted = False
        self.failure: BaseException | None = None
        self.stopped = False
        self.timed_out = False
        self._line = line
        self._env = env
        self._limits = limits
        self._log = bytearray()
        self._conversation: _Conversation | None = None
        self._process: subprocess.Popen[bytes]
        self._stdin: Pipe
        self._stdout: Pipe
        self._tasks: list[asyncio.Task[None]] = []
        self._closing: asyncio.Task[None] | None = None
        self._pumping: asyncio.Task[None] | None = None
        self._timers: list[asyncio.TimerHandle] = []

    @classmethod
    def upload_pack(
        cls,
        git_dir: Path,
        *,
        protocol_header: str | None = None,
        limits: PackLimits | None = None,
        extra_config: Sequence[str] = (),
    ) -> PackProcess:
        """A fetch or a clone: ``POST git-upload-pack``."""
        limits = limits or PackLimits()
        version = protocol_version(protocol_header)
        return cls(
            process.command(
                ["upload-pack", "--stateless-rpc", str(git_dir)],
                git_dir=None,
                config=_settings(limits, extra_config),
            ),
            process.environment({"GIT_PROTOCOL": version} if version else None),
            limits,
        )

    @classmethod
    def receive_pack(
        cls,
        git_dir: Path,
        *,
        hooks: Path,
        decide: Callable[[Proposal], Verdict],
        runner: Runner | None = None,
        protocol_header: str | None = None,
        limits: PackLimits | None = None,
        extra_config: Sequence[str] = (),
    ) -> PackProcess:
        """A push: ``POST git-receive-pack``.

        Args:
            git_dir: The repository.
            hooks: The directory that :func:`push_hook.install` made.
            decide: Is asked once, in a thread, when the objects have arrived and before any ref is moved. A
                :class:`ModelkeepError` that it raises refuses the push with the error's message. Not called for a push
                that Git itself refuses.
            runner: Runs ``decide``; by default :func:`asyncio.to_thread`.
            protocol_header: The client's ``Git-Protocol``.
            limits: What the process may use.
            extra_config: Settings for Git, ``key=value``, such as ``receive.hideRefs=refs/heads/main``.

        Raises:
            Unavailable: The hook cannot run.
        """
        push_hook.check(hooks)
        limits = limits or PackLimits()
        settings = [*_settings(limits, extra_config), f"core.hooksPath={hooks}"]
        if limits.max_input_bytes is not None:
            settings.append(f"receive.maxInputSize={limits.max_input_bytes}")
        version = protocol_version(protocol_header)
        made = cls(
            process.command(["receive-pack", "--stateless-rpc", str(git_dir)], git_dir=None, config=settings),
            process.environment({"GIT_PROTOCOL": "version=1"} if version == "version=1" else None),
            limits,
        )
        made._conversation = _Conversation(made, git_dir, decide, runner or asyncio.to_thread)
        return made

    async def __aenter__(self) -> PackProcess:
        loop = asyncio.get_running_loop()
        inherited = self._conversation.open() if self._conversation else ()
        try:
            self._process = self._spawn(inherited)
        except OSError as error:
            if self._conversation:
                self._conversation.close()
            raise Unavailable("Git cannot be started on this server.", code="git_missing") from error
        finally:
            for descriptor in inherited:
                os.close(descriptor)
        self._stdin = Pipe(detached(self._process.stdin))
        self._stdout = Pipe(detached(self._process.stdout))
        self._tasks.append(loop.create_task(self._collect(Pipe(detached(self._process.stderr)))))
        if self._conversation:
            self._tasks.append(loop.create_task(self._conversation.hold()))
        self._timers.append(loop.call_later(self._limits.seconds, self._expire))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # In a task of its own: a second cancellation must not leave a process behind.
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._close())
        await asyncio.shield(self._closing)

    async def exchange(self, body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Sends ``body`` to the process and yields its answer, both at once.

        A process that answers before it has read everything (a pack over the limit) leaves the rest of the body to be
        read and dropped, so that the client gets to see the answer. If ``body`` raises (the client has gone, a limit),
        the process is stopped unless the push is accepted, and the exception comes out here.

        Raises:
            Unavailable: The process was stopped because of the time it took.
        """
        pump = self._pumping = asyncio.get_running_loop().create_task(self._pump(body))
        try:
            while data := await self.read():
                yield data
            # An accepted push is over: a body that goes on must not hold up who waits for the repo.
            await asyncio.wait({pump}, timeout=_END_OF_BODY_SECONDS if self.accepted else None)
            if self.timed_out:
                raise Unavailable("This took too long and was stopped.", code="git_timeout")
            if pump.done():
                pump.result()
        finally:
            if not pump.done():
                pump.cancel()
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await pump

    async def feed(self, data: bytes) -> bool:
        """Writes to the process, waiting while it is busy; False where it no longer reads."""
        return await self._stdin.write(data)

    def close_stdin(self) -> None:
        """Says that there is no more input."""
        self._stdin.close()

    async def read(self) -> bytes:
        """The next piece of the answer, at most 256 KiB; b"" at its end."""
        return await self._stdout.read()

    async def wait(self) -> int:
        """The exit code, once the process has ended (negative: the signal that ended it). Read to the end before."""
        if self._process.returncode is None:
            await ended(self._process.pid)
        return self._process.wait()

    @property
    def log(self) -> str:
        """What Git wrote to its error stream, the last 16 KiB: for logs, not for users."""
        return self._log.decode("utf-8", "replace")

    def _spawn(self, inherited: Sequence[int]) -> subprocess.Popen[bytes]:
        env = self._env
        if inherited:
            names = (push_hook.PROPOSAL_VARIABLE, push_hook.VERDICT_VARIABLE)
            env = {**env, **{name: str(number) for name, number in zip(names, inherited, strict=True)}}
        started = subprocess.Popen(
            self._line,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=env,
            pass_fds=inherited,
            start_new_session=True,
        )
        if self._limits.niceness:
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, started.pid, self._limits.niceness)
        return started

    async def _pump(self, body: AsyncIterator[bytes]) -> None:
        try:
            async for data in body:
                await self.feed(data)
        except BaseException:
            self._stop()
            raise
        finally:
            self.close_stdin()

    async def _collect(self, pipe: Pipe) -> None:
        try:
            while data := await pipe.read():
                self._log += data
                del self._log[:-LOG_LIMIT]
        finally:
            pipe.close()

    def _expire(self) -> None:
        """The time is over. An accepted push may finish first."""
        self.timed_out = True
        self._stop()
        if self._pumping:
            self._pumping.cancel()
        self._later(self._patience, signal.SIGKILL)

    def _stop(self) -> None:
        """Makes the process end and clean up, unless Git is moving refs.

        A push first sees its input end: then index-pack and receive-pack each remove what they have written. Signalled
        at once, one might still write where the other has just cleaned.
        """
        if self.accepted or self.stopped:
            return
        self.stopped = True
        self.close_stdin()
        if self._conversation:
            self._later(_END_OF_INPUT_SECONDS, signal.SIGTERM)
        else:
            self._signal(signal.SIGTERM)

    @property
    def _patience(self) -> float:
        return self._limits.finish_seconds if self.accepted else _TERM_SECONDS

    def _later(self, seconds: float, number: int) -> None:
        self._timers.append(asyncio.get_running_loop().call_later(seconds, self._signal, number))

    def _signal(self, number: int) -> None:
        """Signals the whole group. While its leader is not reaped, the number is still this group's."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    async def _close(self) -> None:
        self.close_stdin()
        if self._pumping:
            self._pumping.cancel()
            self._tasks.append(self._pumping)
        try:
            if self._process.returncode is None:
                await self._end()
            # The hook's end of the pipe is closed by now; decide() may still be running in its thread.
            await asyncio.gather(*self._tasks, return_exceptions=True)
        finally:
            for timer in self._timers:
                timer.cancel()
            self._stdout.close()

    async def _end(self) -> None:
        drain = asyncio.get_running_loop().create_task(self._drain())
        try:
            self._stop()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ended(self._process.pid), self._patience)
            self._signal(signal.SIGKILL)  # whatever is left of the group
            await ended(self._process.pid)
            self._process.wait()
        finally:
            drain.cancel()

    async def _drain(self) -> None:
        while await self.read():
            pass


class _Conversation:
    """Listens to the hook, has the push decided, and answers."""

    def __init__(
        self, owner: PackProcess, git_dir: Path, decide: Callable[[Proposal], Verdict], runner: Runner
    ) -> None:
        self._owner = owner
        self._git_dir = git_dir
        self._decide = decide
        self._runner = runner
        self._proposal: Pipe
        self._verdict: Pipe

    def open(self) -> tuple[int, int]:
        """Makes the pipes; returns the two ends that the process inherits."""
        proposal_out, proposal_in = os.pipe()
        verdict_out, verdict_in = os.pipe()
        self._proposal, self._verdict = Pipe(proposal_out), Pipe(verdict_in)
        return proposal_in, verdict_out

    def close(self) -> None:
        self._proposal.close()
        self._verdict.close()

    async def hold(self) -> None:
        try:
            verdict = await self._judge()
            if verdict:
                if self._owner.stopped:
                    verdict = Verdict(False, "The push was broken off.")
                self._owner.accepted = verdict.accepted
                if not await self._verdict.write(push_hook.format_verdict(verdict)):
                    self._owner.accepted = False
        finally:
            self.close()

    def _decide_on(self, content: bytes) -> Verdict:
        return self._decide(push_hook.parse_proposal(content, self._git_dir))

    async def _judge(self) -> Verdict | None:
        """None where no hook asked (Git refused the push by itself, or was stopped)."""
        content = bytearray()
        try:
            while not push_hook.is_complete(content):
                data = await self._proposal.read()
                if not data or self._owner.stopped:
                    return Verdict(False) if data else None
                content += data
                if len(content) > push_hook.MAX_PROPOSAL:
                    return Verdict(False, "The push changes too many refs at once.")
            return await self._runner(functools.partial(self._decide_on, bytes(content)))
        except ModelkeepError as error:
            return Verdict(False, error.message)
        except Exception as error:
            self._owner.failure = error
            return Verdict(False, "The hub could not check this push. Nothing was changed; try again later.")


def _settings(limits: PackLimits, extra: Sequence[str]) -> list[str]:
    """The settings of :mod:`repositories`' configuration that must hold whatever stands in a repository's file."""
    for setting in extra:
        if "\n" in setting or "=" not in setting:
            raise InvalidInput("A setting for Git is written key=value.", code="invalid_git_setting")
    return [
        "transfer.fsckObjects=true",
        "receive.unpackLimit=1",
        "receive.autogc=false",
        "receive.advertisePushOptions=true",
        # For a quarantine the repository itself is an alternate, whose refs the connectivity check knows already:
        # without this Git starts another process to list them again.
        "core.alternateRefsCommand=true",
        "uploadpack.allowFilter=true",
        f"pack.threads={limits.threads}",
        f"pack.windowMemory={limits.window_memory}",
        *extra,
    ]
