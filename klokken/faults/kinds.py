"""The kinds of faults, and a fault as it is asked for: KIND@SECOND[+SECONDS]."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from itertools import pairwise

from klokken.errors import InputError
from klokken.topology import Tier

# A fault is there to be recovered from; a longer one is an outage.
LONGEST = 600.0
_FORM = re.compile(r"(?P<kind>[a-z-]+)@(?P<at>\d{1,6}(\.\d+)?)(\+(?P<seconds>\d{1,6}(\.\d+)?))?")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault: what it does to a host of `tier`, how that is undone.

    `seconds` is how long it lasts unless told; 0 for a blow, which is over at once. Where `cell`
    is set it meets that cell alone, else all of them.
    """

    name: str
    tier: Tier
    seconds: float
    does: str
    undone: str
    cell: int | None = None


_SYSTEMD = "systemd starts it again"
_UP = "the stack is brought up again, as by `klokken up`; the fault ends when the host answers"

KINDS = {
    kind.name: kind
    for kind in [
        Kind("kill-edge", Tier.EDGE, 0, "kills HAProxy with SIGKILL", _SYSTEMD),
        Kind("kill-identity", Tier.IDENTITY, 0, "kills Keycloak with SIGKILL", _SYSTEMD),
        Kind("kill-database", Tier.DATABASE, 0, "kills PostgreSQL with SIGKILL", _SYSTEMD),
        Kind("kill-drive", Tier.DRIVE, 0, "kills the drive with SIGKILL", _SYSTEMD, 1),
        Kind("kill-directory", Tier.DRIVE, 0, "kills the cell's slapd with SIGKILL", _SYSTEMD, 1),
        Kind("kill-metrics", Tier.METRICS, 0, "kills Prometheus with SIGKILL", _SYSTEMD),
        Kind("poweroff-edge", Tier.EDGE, 10, "pulls the plug of the host", _UP),
        Kind("poweroff-identity", Tier.IDENTITY, 10, "pulls the plug of the host", _UP),
        Kind("poweroff-database", Tier.DATABASE, 10, "pulls the plug of the host", _UP),
        Kind("poweroff-drive", Tier.DRIVE, 10, "pulls the plug of the cell's host", _UP, 1),
        Kind(
            "freeze-database",
            Tier.DATABASE,
            20,
            "stops every process of PostgreSQL with SIGSTOP",
            "SIGCONT",
        ),
        Kind(
            "full-drive",
            Tier.DRIVE,
            20,
            "fills the volume /srv/data to the last byte that the drive may use",
            "the file that fills it is removed",
            1,
        ),
        Kind(
            "delay",
            Tier.DRIVE,
            20,
            "adds 300 ms to each round trip between edge and cell",
            "netem is removed; where the kernel has none, HAProxy is led past toxiproxy again",
            1,
        ),
        Kind(
            "loss",
            Tier.DRIVE,
            20,
            "drops 2 % of all packets of every drive host, both ways, SSH apart",
            "its table of nftables is deleted",
        ),
        Kind(
            "cut",
            Tier.DRIVE,
            15,
            "drops every packet between the edge and the cell",
            "its table of nftables is deleted",
            1,
        ),
    ]
}


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault to come: `at` seconds after the storm opened, for `seconds`."""

    kind: Kind
    at: float
    seconds: float

    def __str__(self) -> str:
        """Return it as it may be asked for."""
        return f"{self.kind.name}@{self.at:g}" + (f"+{self.seconds:g}" if self.seconds else "")


def parse(text: str) -> Fault:
    """Return the fault that `text` asks for, or raise InputError."""
    match = _FORM.fullmatch(text)
    if not match:
        raise InputError("--fault", ascii(text), "not KIND@SECOND[+SECONDS]", f"KIND is {_names()}")
    kind = KINDS.get(match["kind"])
    if kind is None:
        near = difflib.get_close_matches(match["kind"], KINDS, n=1)
        mend = (f"did you mean {near[0]}? " if near else "") + f"choose {_names()}"
        raise InputError("--fault", text, "no such kind", mend)
    seconds = float(match["seconds"]) if match["seconds"] else kind.seconds
    if match["seconds"] and not kind.seconds:
        raise InputError("--fault", text, "a kill is over at once", "leave out the +SECONDS")
    if kind.seconds and not 1 <= seconds <= LONGEST:
        raise InputError("--fault", text, "lasts too short or long", f"give 1 to {LONGEST:g} s")
    return Fault(kind, float(match["at"]), seconds)


def in_order(faults: list[Fault]) -> list[Fault]:
    """Return faults in the order of their time; raise InputError where two overlap."""
    ordered = sorted(faults, key=lambda fault: fault.at)
    for one, next_one in pairwise(ordered):
        if next_one.at < one.at + one.seconds or next_one.at == one.at:
            raise InputError("--fault", str(next_one), f"comes while {one} lasts", "give it later")
    return ordered


def _names() -> str:
    return ", ".join(KINDS)
