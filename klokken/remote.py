"""A host of an inventory, over the OpenSSH client: run a program, fetch a file, reach a port."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from subprocess import DEVNULL, PIPE
from typing import IO, TYPE_CHECKING

from klokken import deadline
from klokken.errors import MachineError, UnwritableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from klokken.inventory import Host, Inventory, Ways
    from klokken.topology import Tier

CONNECT_SECONDS = 10
# Bytes a second that a file is fetched at even over a slow line.
FETCHED_PER_SECOND = 500_000
# What ssh itself exits with when it did not reach the host or lost it.
_SSH_FAILED = 255


@dataclass(frozen=True, slots=True)
class Remote:
    """One host and how to reach it. Every failure is a MachineError that names the host."""

    name: str
    address: str
    key: Path
    arguments: str
    user: str = "root"
    port: int = 22

    @classmethod
    def of(cls, inventory: Inventory, tier: Tier | None = None) -> list[Remote]:
        """Return the hosts of `tier`, or all of them, in the inventory's order."""
        return [cls.to(name, host, inventory.site) for name, host in inventory.hosts(tier).items()]

    @classmethod
    def to(cls, name: str, host: Host, ways: Ways) -> Remote:
        """Return one host, reached by the `ways` that all hosts of its site share."""
        return cls(
            name,
            host.ansible_host,
            ways.ansible_ssh_private_key_file,
            ways.ansible_ssh_common_args,
            host.ansible_user,
            host.ansible_port,
        )

    def command(self, *options: str) -> list[str]:
        """Return the ssh command that reaches this host, without what to run there."""
        return [
            "ssh",
            "-i",
            str(self.key),
            "-o",
            "BatchMode=yes",
            "-o",
            f"ConnectTimeout={CONNECT_SECONDS}",
            *shlex.split(self.arguments),
            *options,
            "-p",
            str(self.port),
            "-l",
            self.user,
            self.address,
        ]

    def remote_command(self, argv: Sequence[str], *, root: bool = False) -> str:
        """Return `argv` quoted for the host's shell, through sudo where `root` needs it."""
        sudo = ["sudo", "-n"] if root and self.user != "root" else []
        return shlex.join([*sudo, *argv])

    def run(
        self,
        argv: Sequence[str],
        *,
        given: bytes = b"",
        timeout: float = 60.0,
        root: bool = False,
        check: bool = True,
    ) -> str:
        """Run a program on the host, with `given` on its standard input; return its output.

        `timeout` is in seconds. Without `check` a program may fail; not reaching the host is an
        error in any case.
        """
        done = self._ssh(argv, given, deadline.bounded(timeout), root=root)
        if done.returncode == _SSH_FAILED:
            raise MachineError(f"{self.name}: cannot be reached: {_said(done)}")
        if check and done.returncode != 0:
            raise MachineError(f"{self.name}: `{shlex.join(argv)}`: {_said(done)}")
        return done.stdout.decode("utf-8", "replace")

    def lines(
        self, argv: Sequence[str], *, given: bytes, timeout: float, root: bool = False
    ) -> Iterator[str]:
        """Run a program as `run` does, and yield the lines of its output as they come.

        It must read all that is `given` before it writes much. Raises MachineError where the
        program fails, or has no end after `timeout` seconds.
        """
        with self.speaking(argv, given=given, timeout=timeout, root=root) as lines:
            yield from lines

    @contextlib.contextmanager
    def speaking(
        self, argv: Sequence[str], *, given: bytes, timeout: float, root: bool = False
    ) -> Iterator[Iterator[str]]:
        """Give the lines of a program as `lines` does; it is ended where the context ends first.

        So another thread than the one that reads the lines can end it.
        """
        command = [*self.command(), self.remote_command(argv, root=root)]
        with tempfile.TemporaryFile() as said, self.process(command, PIPE, said) as process:
            bound = threading.Timer(timeout, process.kill)
            bound.start()

            def lines() -> Iterator[str]:
                for line in process.stdout or ():
                    yield line.decode("utf-8", "replace")
                if process.wait():
                    said.seek(0)
                    problem = _last_line(said.read()) or f"ended after at most {timeout:.0f} s"
                    raise MachineError(f"{self.name}: `{shlex.join(argv)}`: {problem}")

            try:
                with contextlib.suppress(BrokenPipeError):
                    _give(process, given)
                yield lines()
            finally:
                bound.cancel()

    def size(self, path: str) -> int:
        """Return the bytes of a file of the host; 0 where there is no such file."""
        said = self.run(["stat", "-L", "-c", "%s", "--", path], root=True, check=False)
        return int(said) if said.strip().isdigit() else 0

    def fetch(self, source: str, destination: Path, *, timeout: float = 120.0) -> None:
        """Copy the file `source` of the host to `destination`, whole or not at all.

        It may be larger than this machine's memory, and has a second more than `timeout` for
        each FETCHED_PER_SECOND bytes. Raises UnwritableError where it is there and `destination`
        cannot be written.
        """
        limit = timeout + self.size(source) / FETCHED_PER_SECOND
        command = [*self.command(), self.remote_command(["cat", "--", source], root=True)]
        with (
            tempfile.TemporaryFile() as said,
            self.process(command, stderr=said) as process,
            _drafted(destination) as file,
        ):
            bound = threading.Timer(limit, process.kill)
            bound.start()
            try:
                shutil.copyfileobj(process.stdout or io.BytesIO(), file)
                ended = process.wait()
            finally:
                bound.cancel()
            if ended:
                said.seek(0)
                problem = _last_line(said.read()) or f"no end after {limit:.0f} s"
                raise MachineError(f"{self.name}: {source} cannot be fetched: {problem}")

    @contextlib.contextmanager
    def forward(self, port: int, *, timeout: float = 15.0) -> Iterator[int]:
        """Give a port of this machine's loopback that leads to the host's own loopback `port`."""
        here = _free_port()
        options = [
            "-N",
            "-o",
            "ExitOnForwardFailure=yes",
            "-L",
            f"127.0.0.1:{here}:127.0.0.1:{port}",
        ]
        with self.process(self.command(*options)) as tunnel:
            self._await(tunnel, here, timeout)
            yield here

    @contextlib.contextmanager
    def process(
        self,
        command: list[str],
        stdin: int = DEVNULL,
        stderr: int | IO[bytes] = PIPE,
        stdout: int | IO[bytes] = PIPE,
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Run an ssh `command` for as long as the context lasts.

        It has a session of its own: Ctrl-C is for us, and we decide what ends first.
        """
        try:
            process = subprocess.Popen(
                command,
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )
        except FileNotFoundError:
            raise _no_ssh() from None
        with process:  # closes its pipes at the end, and waits for it
            try:
                yield process
            finally:
                process.kill()

    def _ssh(
        self, argv: Sequence[str], given: bytes, timeout: float, *, root: bool
    ) -> subprocess.CompletedProcess[bytes]:
        command = [*self.command(), self.remote_command(argv, root=root)]
        try:
            return subprocess.run(
                command,
                input=given,
                capture_output=True,
                timeout=timeout,
                check=False,
                start_new_session=True,
            )
        except subprocess.TimeoutExpired:
            deadline.check()
            raise MachineError(
                f"{self.name}: `{shlex.join(argv)}`: no end after {timeout:.0f} s"
            ) from None
        except FileNotFoundError:
            raise _no_ssh() from None

    def _await(self, tunnel: subprocess.Popen[bytes], port: int, timeout: float) -> None:
        """Wait until the tunnel listens, at most `timeout` seconds."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if tunnel.poll() is not None:
                _, error = tunnel.communicate()
                raise MachineError(f"{self.name}: no tunnel to it: {_last_line(error)}")
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return
            time.sleep(0.05)
        raise MachineError(f"{self.name}: no tunnel to it after {timeout:.0f} s")


def _give(process: subprocess.Popen[bytes], given: bytes) -> None:
    if process.stdin:
        with process.stdin as pipe:
            pipe.write(given)


@contextlib.contextmanager
def _drafted(destination: Path) -> Iterator[IO[bytes]]:
    """Give a file that becomes `destination` where all goes well, and is removed where not."""
    draft = destination.with_name(destination.name + ".part")
    try:
        with draft.open("wb") as file:
            yield file
        draft.replace(destination)
    except OSError as error:
        raise UnwritableError(f"{destination}: cannot be written ({error.strerror})") from None
    finally:
        draft.unlink(missing_ok=True)


def _no_ssh() -> MachineError:
    return MachineError("ssh: there is no such program; install openssh-client")


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    error = done.stderr.decode("utf-8", "replace")
    if "REMOTE HOST IDENTIFICATION HAS CHANGED" in error:
        place = re.search(r"^Offending \S+ key in (\S+)", error, re.MULTILINE)
        return (
            "its host key is not the one that is known; find out why, and if it was installed anew,"
            f" remove its line from {place[1] if place else 'the file of known hosts'}"
        )
    if "Host key verification failed" in error:
        return (
            "its host key is not known; look at it and accept it by"
            " `klokken doctor STACK --accept-host-keys`"
        )
    return _last_line(done.stderr) or _last_line(done.stdout) or f"exit code {done.returncode}"


def _last_line(output: bytes) -> str:
    lines = output.decode("utf-8", "replace").strip().splitlines()
    return lines[-1].strip() if lines else ""


def _free_port() -> int:
    """Return a loopback port that is free now; ssh says so should it be taken until then."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
