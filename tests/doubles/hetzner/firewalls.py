"""Firewalls: rules, and the servers they hold for."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING

from tests.doubles.hetzner.problems import in_use, invalid

if TYPE_CHECKING:
    from tests.doubles.hetzner.catalogue import Json
    from tests.doubles.hetzner.project import Project

_MOST_RULES = 50
_LAST_PORT = 65_535


def create(project: Project, body: Json) -> Json:
    """Make a firewall; it holds for nothing yet."""
    rules = _rules(body)
    return project.add("firewalls", body, rules=rules, applied_to=[])


def set_rules(project: Project, wanted: object, body: Json) -> Json:
    """Replace all rules."""
    firewall = project.free("firewalls", wanted)
    rules = _rules(body)
    return project.act(
        "set_firewall_rules", lambda: firewall.update(rules=rules), firewall=firewall["id"]
    )


def delete(project: Project, wanted: object) -> None:
    """Remove a firewall that holds for nothing."""
    if project.one("firewalls", wanted)["applied_to"]:
        raise in_use("firewall", "a server")
    project.remove("firewalls", wanted)


def _rules(body: Json) -> list[Json]:
    rules: list[Json] = body.get("rules") or []
    if len(rules) > _MOST_RULES:
        raise invalid("rules", f"are more than {_MOST_RULES}")
    for rule in rules:
        _check(rule)
    defaults: Json = {"port": None, "description": None, "source_ips": [], "destination_ips": []}
    return [defaults | rule for rule in rules]


def _check(rule: Json) -> None:
    """Raise ApiError for a rule that cannot be."""
    direction, protocol, port = rule.get("direction"), rule.get("protocol"), rule.get("port")
    if direction not in ("in", "out"):
        raise invalid("rules.direction", "is neither in nor out")
    if protocol not in ("tcp", "udp", "icmp", "esp", "gre"):
        raise invalid("rules.protocol", "is not known")
    if (protocol in ("tcp", "udp")) != bool(port):
        raise invalid("rules.port", "is needed for tcp and udp, and for nothing else")
    if port and not _is_range(str(port)):
        raise invalid("rules.port", f"{port!r} is neither a port nor a range of ports")
    places = rule.get("source_ips" if direction == "in" else "destination_ips")
    if not places:
        raise invalid("rules.source_ips", "are needed")
    for place in places:
        try:
            ip_network(place)
        except ValueError:
            raise invalid("rules.source_ips", f"{place!r} is not a network") from None


def _is_range(port: str) -> bool:
    ends = port.split("-")
    if len(ends) > 2 or not all(end.isdecimal() and 1 <= int(end) <= _LAST_PORT for end in ends):
        return False
    return int(ends[0]) <= int(ends[-1])
