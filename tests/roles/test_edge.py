"""The edge's settings, as HAProxy is given them: who waits before Keycloak, and who does not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.roles.rendering import rendered

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(300)]
TEMPLATE = "etc/haproxy/haproxy.cfg.j2"
OF_ALL = {
    "site_domain": "skole.test",
    "site_secret_acme_thumbprint": "thumbprint",
    "edge_connections": 200,
}
CASES: dict[str, dict[str, Any]] = {
    "edge1": {},
    "edge2": {"edge_identity_maxconn": 3, "edge_queue_timeout": "2s"},
    "edge3": {"certificate_acme": {"directory": "https://acme.test/dir"}},
}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the settings of edges before two nodes of Keycloak and a cell."""
    edges = {
        name: {**OF_ALL, **variables, "site_address": f"198.18.0.7{number}"}
        for number, (name, variables) in enumerate(CASES.items(), 1)
    }
    others = {
        "identity": {f"identity{n}": {**OF_ALL, "site_address": f"198.18.0.3{n}"} for n in (1, 2)},
        "drive": {"drive1": {**OF_ALL, "site_address": "198.18.0.51"}},
    }
    return rendered(tmp_path_factory.mktemp("edge"), {"edge": edges, **others}, "edge", TEMPLATE)


def section(settings: str, name: str) -> str:
    """Return one section of the settings, from its head to the next one's."""
    found = re.search(rf"^{name}\n((?:[ \t#].*\n|\n)*)", settings, re.MULTILINE)
    assert found, name
    return found[1]


def priorities(settings: str) -> dict[str, int]:
    """Return the class of each kind of request in the queue of Keycloak; 0 is what is not named."""
    rule = re.compile(r"http-request set-priority-class int\((-?\d+)\) if (.+)")
    return {condition: int(number) for number, condition in rule.findall(settings)}


def test_whoever_has_begun_a_login_goes_before_who_has_not(settings: dict[str, str]) -> None:
    found = priorities(section(settings["edge1"], "backend identity"))
    token = found.pop("METH_POST { path_end /protocol/openid-connect/token }")
    password = found.pop("METH_POST { path_sub /login-actions/ }")
    page = found.pop("{ path_end /protocol/openid-connect/auth }")
    # The lower class goes first; what is not named has 0.
    assert token < password < 0 < page
    assert found == {}


def test_only_requests_to_keycloak_have_a_class(settings: dict[str, str]) -> None:
    text = settings["edge1"]
    assert len(priorities(text)) == len(priorities(section(text, "backend identity")))


def test_the_queue_is_short_and_before_each_node(settings: dict[str, str]) -> None:
    for edge, most, wait in (("edge1", 8, "5s"), ("edge2", 3, "2s")):
        identity = section(settings[edge], "backend identity")
        (servers,) = re.findall(r"^ *default-server (.*)$", identity, re.MULTILINE)
        assert servers.endswith(f" maxconn {most}")
        assert f"timeout queue {wait}" in section(settings[edge], "defaults")
        assert re.findall(r"^ *server (\S+) (\S+)", identity, re.MULTILINE) == [
            ("identity1", "198.18.0.31:8080"),
            ("identity2", "198.18.0.32:8080"),
            ("identity1-cold", "198.18.0.31:8080"),
            ("identity2-cold", "198.18.0.32:8080"),
        ]


def test_a_cold_node_serves_only_while_no_node_is_warm(settings: dict[str, str]) -> None:
    identity = section(settings["edge1"], "backend identity")
    (every,) = re.findall(r"^ *default-server (.*)$", identity, re.MULTILINE)
    servers = dict(re.findall(r"^ *server (\S+) \S+ (.*)$", identity, re.MULTILINE))
    assert " port 9010 " in every
    for node in ("identity1", "identity2"):
        assert servers[node] == f"cookie {node}"
        # A cookie of its own, so that no login is held on a cold node beside a warm one.
        assert servers[f"{node}-cold"] == f"backup port 9000 cookie {node}-cold"
    # Of several, HAProxy would else give all to the first.
    assert "option allbackups" in identity


def test_one_of_several_nodes_is_asked_to_serve_and_not_how_its_cluster_is(
    settings: dict[str, str], tmp_path: Path
) -> None:
    several = section(settings["edge1"], "backend identity")
    assert "uri /realms/skole/.well-known/openid-configuration" in several
    assert "/health/ready" not in several
    one = {"identity1": {**OF_ALL, "site_address": "198.18.0.31"}}
    edge = {"edge1": {**OF_ALL, "site_address": "198.18.0.71"}}
    alone = rendered(tmp_path, {"edge": edge, "identity": one}, "edge", TEMPLATE)["edge1"]
    assert "http-check send meth GET uri /health/ready\n" in section(alone, "backend identity")


def test_what_changes_with_a_version_only_waits_for_nobody(settings: dict[str, str]) -> None:
    identity = section(settings["edge1"], "backend identity")
    lines = [line.strip() for line in identity.splitlines()]
    cached = lines.index("http-request cache-use resources if { path_beg /resources/ }")
    first = next(n for n, line in enumerate(lines) if "set-priority-class" in line)
    assert cached < first


def test_a_body_is_awaited_before_a_request_takes_a_place(settings: dict[str, str]) -> None:
    assert "option http-buffer-request" in section(settings["edge1"], "backend identity")
