"""What several host checks ask of a host. Hosts have Python, and no curl."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from testinfra.host import Host

# The gate for what a unit may do, of 100 (systemd-analyze's 2.0 is 20).
EXPOSURE = 20
_GET = "import sys, urllib.request as u; print(u.urlopen(sys.argv[1], timeout=10).read().decode())"


def python(host: Host, program: str, *arguments: str, user: str = "") -> str:
    """Return what a Python program prints on the host."""
    switch = f"runuser -u {user} -- " if user else ""
    done = host.run(f"{switch}python3 -c {shlex.quote(program)} {shlex.join(arguments)}")
    assert done.rc == 0, done.stderr
    return str(done.stdout)


def get(host: Host, url: str) -> str:
    """Return the body of a page as the host sees it."""
    return python(host, _GET, url)


def assert_runs_hardened(host: Host, unit: str) -> None:
    """Fail, with the journal, unless the unit runs from boot on and may do little."""
    service = host.service(unit)
    journal = host.run(f"journalctl -u {unit} -n 20 --no-pager -o cat").stdout
    assert service.is_running, journal
    assert service.is_enabled
    assert_hardened(host, unit)


def assert_hardened(host: Host, unit: str) -> None:
    """Fail unless systemd understands every line of the unit and finds it closed enough."""
    checked = host.run(f"systemd-analyze verify --man=no {unit}")
    assert checked.rc == 0
    assert checked.stderr == ""
    rated = host.run(f"systemd-analyze security --threshold={EXPOSURE} --no-pager {unit}")
    assert rated.rc == 0, rated.stdout


def listening(host: Host, port: int) -> set[str]:
    """Return the addresses that somebody listens on at a TCP `port`."""
    sockets = host.run(f"ss -Hltn sport = :{port}").stdout
    return {line.split()[3].rpartition(":")[0] for line in sockets.splitlines()}
