"""What each fault is made of: shell scripts and the hosts they run on, as plain data."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from klokken.errors import InputError
from klokken.topology import Tier

if TYPE_CHECKING:
    from klokken.faults.kinds import Fault
    from klokken.inventory import Inventory

# Seconds in which a script must have ended.
SCRIPT_SECONDS = 60.0
# Seconds after its end at which a host undoes a fault by itself at the latest, should nobody have
# done it: beginning it takes its time, and the host counts from before that.
GUARD = SCRIPT_SECONDS + 15.0
# A volume with less than this free is full: what a pupil stores takes a part of it as large.
FULL_BYTES = 65_536
VOLUME = "/srv/data"
DRIVE_PORT = 9200
DELAY_MS = 300
LOSS_PERCENT = 2
# Where toxiproxy stands in for the drive on an edge host, its own interface, and its program.
TOOLS = "/opt/klokken/faults"
TOXIPROXY = "toxiproxy-server"
TOXIPROXY_PORT, TOXIPROXY_API = 19200, 18474
UNITS = {
    "kill-edge": "haproxy.service",
    "kill-identity": "keycloak.service",
    "kill-database": "postgresql@17-main.service",
    "kill-drive": "drive.service",
    "kill-directory": "slapd.service",
    "kill-metrics": "prometheus.service",
    "freeze-database": "postgresql@17-main.service",
}


@dataclass(frozen=True, slots=True)
class Step:
    """What is run on one host, by `sh -eu` as root, when a fault begins and when it ends.

    A `tool` of this machine is put into the host's folder TOOLS first.
    """

    host: str
    begin: str
    end: str = ""
    tool: str = ""


Way: TypeAlias = tuple[Step, ...]


def ways(fault: Fault, inventory: Inventory) -> list[Way]:
    """Return the ways to make `fault`, best first: one that cannot begin gives way to the next.

    Raises InputError where the site has no host for it.
    """
    name, hosts = fault.kind.name, _hosts(inventory, fault.kind.tier)
    first, address = next(iter(hosts.items()))
    edges = _hosts(inventory, Tier.EDGE)
    if name == "loss":
        return [tuple(_lossy(fault, host, inventory.hosts()[host].ansible_port) for host in hosts)]
    if name == "delay":
        netem = _guarded(fault, first, *_netem(list(edges.values())))
        slow, direct = _toxiproxy(first, address), _direct(first, address)
        proxied = (_guarded(fault, edge, slow, direct) for edge in edges)
        return [(netem,), tuple(replace(step, tool=TOXIPROXY) for step in proxied)]
    return [(_on_one_host(fault, first, list(edges.values())),)]


def _on_one_host(fault: Fault, host: str, edges: list[str]) -> Step:
    name = fault.kind.name
    if name.startswith("poweroff-"):
        return Step(host, _POWER_OFF)
    if name == "full-drive":
        return _guarded(fault, host, _FILL, f"rm -f -- {_FILLER}\n")
    if name == "cut":
        alien = "{ " + ", ".join(edges) + " }"
        begin = _table(name, f"ip saddr {alien} drop", f"ip daddr {alien} drop")
        return _guarded(fault, host, begin, _no_table(name))
    if name == "freeze-database":
        signal = f"systemctl kill --kill-whom=all --signal={{}} {UNITS[name]}\n"
        return _guarded(fault, host, signal.format("STOP"), signal.format("CONT"))
    # Keycloak's main process is a shell, whose death would have systemd end the JVM in good order.
    whom = "all" if name == "kill-identity" else "main"
    return Step(host, f"systemctl kill --kill-whom={whom} --signal=KILL {UNITS[name]}\n")


def _lossy(fault: Fault, host: str, port: int) -> Step:
    """Return how a host loses packets, but for those of its SSH at `port`."""
    name, chance = fault.kind.name, f"numgen random mod 100 < {LOSS_PERCENT} drop"
    received, sent = (f"tcp {end} {port} accept; {chance}" for end in ("dport", "sport"))
    return _guarded(fault, host, _table(name, received, sent), _no_table(name))


def _hosts(inventory: Inventory, tier: Tier) -> dict[str, str]:
    found = {name: str(host.site_address) for name, host in inventory.hosts(tier).items()}
    if not found:
        raise InputError("inventory", tier, "has no host", "give the tier one, or another fault")
    return found


def _guarded(fault: Fault, host: str, begin: str, undo: str) -> Step:
    """Return a step that the host undoes by itself when nobody else does.

    The guard is a timer of systemd, armed before anything is broken. It outlives our connection.
    """
    unit = f"klokken-fault-{fault.kind.name}"
    script = f"/run/{unit}.sh"
    disarm = f"systemctl stop {unit}.timer 2>/dev/null || true\n"
    # A file, since systemd-run would expand the script's own variables.
    arm = (
        f"cat > {script} <<'GUARD'\n{undo}GUARD\n"
        f"systemd-run --quiet --collect --unit={unit} --on-active={fault.seconds + GUARD:g}"
        f" --timer-property=AccuracySec=100ms /bin/sh {script}\n"
    )
    return Step(host, disarm + arm + begin, f"{undo}{disarm}rm -f -- {script}\n")


# Force twice: no process is told, nothing is unmounted. A second later, so that we are answered.
_POWER_OFF = (
    "setsid sh -c 'sleep 1; exec systemctl poweroff --force --force' </dev/null >/dev/null 2>&1 &\n"
)

_FILLER = f"{VOLUME}/.klokken-fault-full"
# What file systems keep for root is left alone: the drive cannot have it.
_FILL = f"""mountpoint -q {VOLUME} || {{ echo "{VOLUME} is no volume of its own" >&2; exit 1; }}
left() {{ df --output=avail -B1 {VOLUME} | tail -n 1 | tr -d ' '; }}
rm -f -- {_FILLER}
fallocate -l "$(left)" {_FILLER} 2>/dev/null || true
fill() {{
    dd if=/dev/zero bs=64K iflag=count_bytes count="$(left)" status=none >> {_FILLER} 2>/dev/null ||
        true
    [ "$(left)" -lt {FULL_BYTES} ]
}}
# Again, since the drive may free something meanwhile.
fill || fill || fill || {{ echo "{VOLUME} is not full: $(left) bytes are left" >&2; exit 1; }}
"""


def _table(name: str, received: str, sent: str) -> str:
    """Return the making of a table that sees packets before any other does."""
    hook = "type filter hook {} priority raw; policy accept;"
    return f"""nft -f - <<'END'
table inet klokken_fault_{name} {{
    chain received {{ {hook.format("prerouting")} iif lo accept; {received}; }}
    chain sent {{ {hook.format("output")} oif lo accept; {sent}; }}
}}
END
"""


def _no_table(name: str) -> str:
    # Added first, so that there is one to delete in any case.
    table = f"table inet klokken_fault_{name}"
    return f"nft 'add {table}; delete {table}'\n"


def _netem(edges: list[str]) -> tuple[str, str]:
    """Return how packets to the edges are delayed, and how no longer; handle 7: marks it ours.

    Nothing but the filters leads to the fourth band, so that other traffic is left alone.
    """
    device = f"dev=$(ip -o route get {edges[0]} | sed 's/.* dev \\([^ ]*\\).*/\\1/')\n"
    begin = [
        'tc qdisc add dev "$dev" root handle 7: prio bands 4\n',
        f'tc qdisc add dev "$dev" parent 7:4 handle 8: netem delay {DELAY_MS}ms limit 10000\n',
        *(
            f'tc filter add dev "$dev" parent 7: protocol ip prio 1'
            f" u32 match ip dst {edge}/32 flowid 7:4\n"
            for edge in edges
        ),
    ]
    end = (
        "if tc qdisc show dev \"$dev\" | grep -q '^qdisc prio 7: root';"
        ' then tc qdisc del dev "$dev" root; fi\n'
    )
    return device + "".join(begin), device + end


def _lead(cell: str, address: str, port: int) -> str:
    """Return how HAProxy is led to another address; it closes its idle connections by itself."""
    told = json.dumps(f"set server {cell}/{cell} addr {address} port {port}\n")
    return f"""python3 - <<'END'
import socket
with socket.socket(socket.AF_UNIX) as haproxy:
    haproxy.connect("/run/haproxy/admin.sock")
    haproxy.sendall({told}.encode())
    said = haproxy.makefile().read()
if "changed" not in said and "no need" not in said:
    raise SystemExit("haproxy: " + said.strip())
END
"""


def _toxiproxy(cell: str, address: str) -> str:
    proxy = {
        "name": cell,
        "listen": f"127.0.0.1:{TOXIPROXY_PORT}",
        "upstream": f"{address}:{DRIVE_PORT}",
        "enabled": True,
    }
    toxic = {"type": "latency", "stream": "downstream", "attributes": {"latency": DELAY_MS}}
    return f"""systemd-run --quiet --collect --unit=klokken-toxiproxy --property=DynamicUser=yes \
{TOOLS}/{TOXIPROXY} -host 127.0.0.1 -port {TOXIPROXY_API}
python3 - <<'END'
import time, urllib.request
def post(path, body):
    request = urllib.request.Request("http://127.0.0.1:{TOXIPROXY_API}" + path, body.encode())
    urllib.request.urlopen(request, timeout=5)
for turn in range(50):
    try:
        post("/reset", "")
        break
    except OSError:
        time.sleep(0.1)
post("/proxies", {json.dumps(json.dumps(proxy))})
post("/proxies/{cell}/toxics", {json.dumps(json.dumps(toxic))})
END
{_lead(cell, "127.0.0.1", TOXIPROXY_PORT)}"""


def _direct(cell: str, address: str) -> str:
    return _lead(cell, address, DRIVE_PORT) + (
        f"systemctl stop klokken-toxiproxy.service 2>/dev/null || true\nrm -rf -- {TOOLS}\n"
    )
