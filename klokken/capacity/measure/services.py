"""A fresh start of a site's services, over SSH, on hosts of its inventory and no others.

The services begin as cold as they can be. The role `identity` warms a node up before the edge
gives it traffic, with logins that nobody measures; for the time of a start, and on the host
until it boots at most, a drop-in has that warm-up do nothing. A timer of the host's own removes
it should we be gone.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from klokken.errors import MachineError
from klokken.faults.ways import UNITS
from klokken.remote import Remote
from klokken.topology import Tier

if TYPE_CHECKING:
    from klokken.inventory import Inventory

# Seconds for all hosts to answer again.
PATIENCE = 300.0
_FOLDER = "/run/systemd/system/keycloak-warmup.service.d"
_GUARD = "klokken-measure"
WITHOUT_WARM_UP = f"""
systemctl stop {_GUARD}.timer 2>/dev/null || true
mkdir -p {_FOLDER}
printf '[Service]\\nExecStart=\\nExecStart=/bin/true\\n' > {_FOLDER}/klokken-measure.conf
systemctl daemon-reload
systemd-run --quiet --collect --unit={_GUARD} --on-active={2 * PATIENCE:g} \\
  /bin/sh -c 'rm -rf {_FOLDER} && systemctl daemon-reload'
systemctl stop {UNITS["kill-identity"]}
"""
WITH_WARM_UP = f"""
rm -rf {_FOLDER}
systemctl daemon-reload
systemctl stop {_GUARD}.timer 2>/dev/null || true
"""
# Every server that the edge checks is up by a check of its own, not by default as at first.
ALL_UP = """python3 - <<'END'
import csv, socket
with socket.socket(socket.AF_UNIX) as haproxy:
    haproxy.connect("/run/haproxy/admin.sock")
    haproxy.sendall(b"show stat\\n")
    rows = csv.DictReader(haproxy.makefile())
    servers = [row for row in rows if row["svname"] not in ("FRONTEND", "BACKEND")]
up = [row["status"] == "UP" and "OK" in row["check_status"] for row in servers]
bad = [row["svname"] for row, is_up in zip(servers, up) if not is_up]
raise SystemExit(", ".join(bad) or None)
END
"""


def start_afresh(inventory: Inventory, *, drive: bool) -> None:
    """Restart database, identity and edge, the `drive` too where asked; wait until all answer.

    Raises MachineError where one does not within PATIENCE.
    """
    identity = Remote.of(inventory, Tier.IDENTITY)
    try:
        for host in identity:
            _script(host, WITHOUT_WARM_UP)
        for tier in (Tier.DATABASE, *([Tier.DRIVE] if drive else []), Tier.IDENTITY, Tier.EDGE):
            for host in Remote.of(inventory, tier):
                _script(host, f"systemctl restart {UNITS[f'kill-{tier}']}\n")
        for host in Remote.of(inventory, Tier.EDGE):
            _await(host)
    finally:
        for host in identity:
            _script(host, WITH_WARM_UP)


def _await(edge: Remote) -> None:
    """Wait until every service behind an edge answers its checks."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            _script(edge, ALL_UP)
        except MachineError as error:
            if time.monotonic() > end:
                raise MachineError(f"{error}: not up {PATIENCE:.0f} s after a start") from None
            time.sleep(1.0)
        else:
            return


def _script(host: Remote, script: str) -> None:
    host.run(["sh", "-eu"], given=script.encode(), timeout=120.0, root=True)


def written(hosts: list[Remote]) -> float | None:
    """Return the bytes that the processes of hosts have had written to disk since each began.

    The process exporter may not read /proc/PID/io of others. None where the kernel does not
    count.
    """
    script = "cat /proc/[0-9]*/io 2>/dev/null | sed -n 's/^write_bytes: //p'\n"
    told = [host.run(["sh"], given=script.encode(), root=True, check=False) for host in hosts]
    counts = [int(line) for each in told for line in each.split()]
    return float(sum(counts)) if counts else None
