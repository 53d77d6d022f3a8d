"""A site that costs next to nothing: nginx on loopback, answering with recorded pages.

What it cannot make up, the nonce and the name in a token, is the same for everybody. Its log has
a line for every login, so that all generators are counted by one and the same hand.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2

from benchmarks.generator.case import Login
from benchmarks.generator.recording import NONCE, USER, certify, tokens
from klokken.errors import MachineError
from klokken.paths import cache_folder
from klokken.storm.plan import CLIENT, REALM
from loadtests.world import CALLBACK

if TYPE_CHECKING:
    from collections.abc import Iterator

_HERE = Path(__file__).parent / "null"
_HOST = "127.0.0.1"
_PATH = f"/realms/{REALM}"
_REDIRECT = f"https://drive1.skole.test{CALLBACK}"
# What the edge of a site prefers, in OpenSSL's names.
_CURVES = "P-256:X25519"


@dataclass(frozen=True, slots=True)
class NullSite:
    """A null site that answers at `login`, with its files in `folder`."""

    login: Login
    folder: Path

    def logins(self) -> list[list[str]]:
        """Return, for each login, its Unix time, connection, number in it, and TLS facts."""
        lines = (self.folder / "journeys.log").read_text().splitlines()
        return [line.split() for line in lines]

    def between(self, begin: float, end: float) -> int:
        """Return how many logins were done in a stretch of Unix time."""
        return sum(begin <= float(fields[0]) < end for fields in self.logins())

    def begun(self, since: float) -> bool:
        """Return whether a login was done `since` a Unix time."""
        return self.between(since, time.time() + 1) > 0

    def tls(self, since: float) -> str:
        """Return the TLS of the logins `since` a Unix time; raise where a session was resumed."""
        found = [fields for fields in self.logins() if float(fields[0]) >= since]
        if any(reused != "." for _, _, _, reused, *_ in found):
            raise MachineError("benchmark: a login resumed the session of another")
        return ", ".join(sorted({" ".join(fields[4:]) for fields in found}))

    def split(self, since: float) -> int:
        """Return how many logins `since` a Unix time were not on one connection of their own."""
        return sum(
            float(moment) >= since and number != "3" for moment, _, number, *_ in self.logins()
        )


@contextmanager
def null_site(folder: Path) -> Iterator[NullSite]:
    """Run nginx with its files in `folder`; raise MachineError where it does not come up."""
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        port = int(probe.getsockname()[1])
    origin = f"https://{_HOST}:{port}"
    certify(folder, _HOST)
    config = (_HERE / "nginx.conf.j2").read_text()
    values = {"port": port, "path": _PATH, "redirect_uri": _REDIRECT, "curves": _CURVES}
    (folder / "nginx.conf").write_text(jinja2.Template(config).render(values))
    page = (_HERE / "login.html").read_text().replace("@origin@", origin)
    (folder / "login.html").write_text(page)
    (folder / "token.json").write_text(json.dumps(tokens(origin + _PATH)))
    # Its worker process gives up root, and serves these to whoever asks.
    folder.chmod(0o755)
    login = Login(
        origin=origin,
        realm=REALM,
        client_id=CLIENT,
        redirect_uri=_REDIRECT,
        ca_file=folder / "ca.pem",
        password="recorded",  # noqa: S106 - any will do
        nonce=NONCE,
        username=USER,
    )
    command = [nginx(), "-p", f"{folder}/", "-c", "nginx.conf"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        _await(port, process, folder)
        yield NullSite(login, folder)
    finally:
        process.terminate()
        process.wait()


def nginx() -> str:
    """Return the path of nginx: the machine's own, or else unpacked from its Debian package."""
    unpacked = cache_folder() / "tools" / "nginx"
    found = shutil.which("nginx", path=f"/usr/sbin:/usr/bin:{unpacked}/usr/sbin")
    if found:
        return found
    unpacked.mkdir(parents=True, exist_ok=True)
    try:
        for command in (["apt-get", "download", "nginx"], ["sh", "-c", "dpkg -x nginx_*.deb ."]):
            subprocess.run(command, cwd=unpacked, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        raise MachineError("benchmark: install the Debian package nginx") from None
    return str(unpacked / "usr" / "sbin" / "nginx")


def _await(port: int, process: subprocess.Popen[bytes], folder: Path) -> None:
    for _ in range(100):
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex((_HOST, port)) == 0:
                return
        time.sleep(0.1)
    log = folder / "error.log"
    said = log.read_text().strip().splitlines() if log.exists() else []
    raise MachineError(f"benchmark: nginx does not run ({said[-1] if said else 'it says nothing'})")
