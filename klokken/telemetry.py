"""What the site's own Prometheus saw of a storm, and what runs on its hosts."""

from __future__ import annotations

import contextlib
import http.client
import json
import math
import shlex
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any

from klokken.errors import InputError, MachineError
from klokken.remote import Remote
from klokken.results import MachineFacts, TierCpu
from klokken.topology import Tier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from klokken.inventory import Inventory

PROMETHEUS_PORT = 9090
STEP_SECONDS = 5
# Seconds for which Prometheus is asked again, as one that was just started anew, and between.
PATIENCE, PAUSE = 60.0, 2.0
_SERVER_FAILED = 500
CPU_QUERY = "sum by (tier, groupname) (rate(namedprocess_namegroup_cpu_seconds_total[10s]))"

# The packages whose versions matter on each tier; Keycloak is no package, see _FACTS.
PACKAGES = {
    Tier.DATABASE: ("postgresql-17",),
    Tier.IDENTITY: ("openjdk-21-jre-headless", "openjdk-25-jre-headless"),
    Tier.DRIVE: ("slapd",),
    Tier.EDGE: ("haproxy",),
    Tier.METRICS: ("prometheus",),
    Tier.LOADGEN: ("python3",),
}
# Roles that install what is no Debian package leave its version in this folder, as JSON
# objects from names to versions.
VERSIONS_FOLDER = "/etc/klokken/versions"

_FACTS = "nproc; uname -r; grep -m1 ^MemTotal: /proc/meminfo; grep -m1 '^model name' /proc/cpuinfo"


def tier_cpu(inventory: Inventory, began: float, finished: float) -> dict[str, TierCpu]:
    """Return the CPU of each tier by process group from `began` to `finished`, Unix seconds.

    Raises MachineError where the site's Prometheus does not answer.
    """
    if not inventory.hosts(Tier.METRICS):
        return {}
    with prometheus(inventory) as get:
        query = {"query": CPU_QUERY, "start": began, "end": finished, "step": STEP_SECONDS}
        return parsed(get(f"query_range?{urllib.parse.urlencode(query)}"), began, finished)


@contextlib.contextmanager
def prometheus(inventory: Inventory) -> Iterator[Callable[[str], Any]]:
    """Give a function that has a path below /api/v1/ answered by the site's Prometheus.

    Raises InputError where the site has none, MachineError where it does not answer.
    """
    hosts = Remote.of(inventory, Tier.METRICS)
    if not hosts:
        raise InputError("inventory", "metrics", "has no host", "give the tier one")
    with hosts[0].forward(PROMETHEUS_PORT) as port:
        yield lambda path: _get(f"http://127.0.0.1:{port}/api/v1/{path}", hosts[0].name)


def _get(url: str, host: str) -> Any:
    # Environment variables that name a proxy must not lead a loopback address elsewhere.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    end = time.monotonic() + PATIENCE
    while True:
        try:
            with opener.open(url, timeout=30) as response:
                return json.load(response)
        except (OSError, ValueError, http.client.HTTPException) as error:
            refused = isinstance(error, urllib.error.HTTPError) and error.code < _SERVER_FAILED
            if refused or time.monotonic() >= end:
                raise MachineError(f"{host}: Prometheus does not answer ({error})") from None
        time.sleep(PAUSE)


def parsed(answer: Any, began: float, finished: float) -> dict[str, TierCpu]:
    """Return what an answer to CPU_QUERY holds, one value for each step, None where it has none."""
    steps = 1 + math.floor((finished - began) / STEP_SECONDS)
    tiers: dict[str, dict[str, list[float | None]]] = {}
    try:
        for series in answer["data"]["result"]:
            labels = series["metric"]
            values: list[float | None] = [None] * steps
            for moment, value in series["values"]:
                at = round((moment - began) / STEP_SECONDS)
                if 0 <= at < steps and math.isfinite(float(value)):
                    values[at] = float(value)
            tiers.setdefault(labels["tier"], {})[labels["groupname"]] = values
    except (KeyError, TypeError, ValueError) as error:
        raise MachineError(f"Prometheus gave an answer of another form ({error!r})") from None
    return {
        tier: TierCpu(step_seconds=STEP_SECONDS, start=began, groups=dict(sorted(groups.items())))
        for tier, groups in sorted(tiers.items())
    }


def machine_facts(host: Remote) -> MachineFacts:
    """Return what machine `host` runs on; in a lab that is the machine of all hosts."""
    return _facts(host.run(["sh", "-c", _FACTS]), host.name)


def own_machine() -> MachineFacts:
    """Return what this process runs on."""
    said = subprocess.run(["sh", "-c", _FACTS], capture_output=True, text=True, check=False)
    return _facts(said.stdout, "this machine")


def _facts(said: str, name: str) -> MachineFacts:
    lines = said.splitlines()
    try:
        cores, kernel, memory = lines[:3]
        model = lines[3].partition(":")[2].strip() if len(lines) > 3 else ""  # noqa: PLR2004
        return MachineFacts(
            cpu_model=model or "unknown",
            cores=int(cores),
            memory_bytes=int(memory.split()[1]) * 1024,
            kernel=kernel,
        )
    except (ValueError, IndexError):
        raise MachineError(f"{name}: says nothing usable of its machine") from None


def versions(inventory: Inventory) -> dict[str, str]:
    """Return the versions of the main software, under "host name"."""
    return {
        f"{host.name} {name}": version
        for tier in Tier
        for host in Remote.of(inventory, tier)
        for name, version in _versions_of(host, tier).items()
    }


def _versions_of(host: Remote, tier: Tier) -> dict[str, str]:
    packages = shlex.join(PACKAGES[tier])
    script = (
        # A line that is empty stands before and after the packages, of which there may be none.
        f"echo; dpkg-query -W -f '${{Package}} ${{Version}}\\n' {packages} 2>/dev/null;"
        f" echo; cat {VERSIONS_FOLDER}/*.json 2>/dev/null; true"
    )
    listed, _, documents = host.run(["sh", "-c", script]).partition("\n\n")
    found = dict(line.split(" ", 1) for line in listed.split("\n") if " " in line.strip())
    return found | _objects(documents)


def _objects(documents: str) -> dict[str, str]:
    """Return the members of all JSON objects in `documents`, one after the other."""
    decoder = json.JSONDecoder()
    found: dict[str, str] = {}
    rest = documents.lstrip()
    while rest:
        try:
            value, end = decoder.raw_decode(rest)
        except ValueError:
            break
        if isinstance(value, dict):
            found |= {str(k): str(v) for k, v in value.items()}
        rest = rest[end:].lstrip()
    return found
