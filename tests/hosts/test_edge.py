"""The edge: good TLS only, what is public only, and only to nodes that are ready."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from klokken.topology import Tier
from tests.hosts.on_host import assert_runs_hardened, get, listening, python

if TYPE_CHECKING:
    from testinfra.host import Host

    from klokken.inventory import Inventory

TIER = "edge"

# Prints status, headers and body of one request, sent over TLS as it is given.
_REQUEST = """
import json, socket, ssl, sys
name, method, target = sys.argv[1:]
context = ssl.create_default_context()
context.load_verify_locations("/etc/klokken/tls/ca.pem")
plain = socket.create_connection((name, 443), timeout=10)
secure = context.wrap_socket(plain, server_hostname=name)
request = f"{method} {target} HTTP/1.1\\r\\nHost: {name}\\r\\nConnection: close\\r\\n\\r\\n"
secure.sendall(request.encode())
answer = b"".join(iter(lambda: secure.recv(65536), b"")).decode()
head, _, body = answer.partition("\\r\\n\\r\\n")
status, *lines = head.split("\\r\\n")
headers = {n.lower(): v for n, _, v in (line.partition(": ") for line in lines)}
print(json.dumps([int(status.split()[1]), headers, body]))
"""


def ask(host: Host, name: str, target: str) -> tuple[int, dict[str, str], str]:
    """Return status, headers and body of a GET, its target sent exactly as given."""
    status, headers, body = json.loads(python(host, _REQUEST, name, "GET", target))
    return status, headers, body


@pytest.fixture(scope="module")
def login(inventory: Inventory) -> str:
    """The name of the login."""
    return f"login.{inventory.all.vars.site_domain}"


def handshake(host: Host, name: str, *options: str) -> str:
    """Return what OpenSSL says of a TLS handshake with the edge, the certificate verified."""
    argv = ["openssl s_client -connect", f"{name}:443 -servername {name} -verify_hostname {name}"]
    argv += ["-verify_return_error -CAfile /etc/klokken/tls/ca.pem", *options, "</dev/null 2>&1"]
    return str(host.run(" ".join(argv)).stdout)


def test_haproxy_runs(host: Host) -> None:
    assert_runs_hardened(host, "haproxy.service")


def test_haproxy_is_never_root(host: Host) -> None:
    processes = host.process.filter(comm="haproxy")
    assert processes
    assert {p.user for p in processes} == {"haproxy"}


def test_its_settings_give_no_warning(host: Host) -> None:
    checked = host.run("haproxy -c -f /etc/haproxy/haproxy.cfg")
    assert checked.rc == 0
    assert "WARNING" not in checked.stderr + checked.stdout


def test_the_key_is_for_haproxy_alone(host: Host) -> None:
    file = host.file("/etc/haproxy/site.pem")
    assert (file.user, file.group, file.mode) == ("root", "haproxy", 0o640)


@pytest.mark.parametrize("port", [80, 443])
def test_pupils_are_served(host: Host, port: int) -> None:
    assert listening(host, port)


@pytest.mark.parametrize("port", [80, 443])
def test_pupils_are_served_by_ipv6_where_the_site_says_so(
    host: Host, inventory: Inventory, port: int
) -> None:
    said = [inventory.all.children[Tier.EDGE].vars.get("edge_ipv6", False)]
    edges = inventory.hosts(Tier.EDGE).values()
    said += [(edge.model_extra or {}).get("edge_ipv6", False) for edge in edges]
    assert ("[::]" in listening(host, port)) is any(said)


@pytest.mark.parametrize("protocol", ["h2", "http/1.1"])
def test_both_versions_of_http_are_spoken(host: Host, login: str, protocol: str) -> None:
    assert f"ALPN protocol: {protocol}" in handshake(host, login, f"-alpn {protocol}")


@pytest.mark.parametrize("version", ["tls1_2", "tls1_3"])
def test_current_tls_is_spoken_with_a_certificate_on_p256(
    host: Host, login: str, version: str
) -> None:
    said = handshake(host, login, f"-{version} -groups P-256")
    assert "Verify return code: 0 (ok)" in said
    assert "Peer signature type: ecdsa" in said or "Peer signature type: ECDSA" in said
    assert "prime256v1" in said or "P-256" in said


@pytest.mark.parametrize("version", ["tls1", "tls1_1"])
def test_old_tls_is_refused(host: Host, login: str, version: str) -> None:
    said = handshake(host, login, f"-{version} -cipher DEFAULT@SECLEVEL=0")
    assert "alert protocol version" in said


def test_a_name_that_is_not_the_sites_is_not_certified(host: Host, login: str) -> None:
    said = handshake(host, login, "-verify_hostname elsewhere.example")
    assert "hostname mismatch" in said


@pytest.mark.parametrize(
    "target",
    [
        "/admin",
        "/admin/master/console/",
        "/realms/master",
        "/realms/master/protocol/openid-connect/auth",
        "/metrics",
        "/health/ready",
        "//admin",
        "/realms/skole/../master/account",
        "/realms/skole/%2e%2e/master/account",
        "/realms/skole/..;/master/account",
        "/resources/../admin/",
    ],
)
def test_what_is_not_public_is_refused(host: Host, login: str, target: str) -> None:
    status, _, _ = ask(host, login, target)
    assert status == 403


def test_the_login_is_served_with_strict_transport_security(host: Host, login: str) -> None:
    target = "/realms/skole/.well-known/openid-configuration"
    status, headers, body = ask(host, login, target)
    assert status == 200
    assert headers["strict-transport-security"].startswith("max-age=63072000")
    assert f'"issuer":"https://{login}/realms/skole"' in body


def test_the_bare_name_leads_to_ones_account(host: Host, login: str) -> None:
    status, headers, _ = ask(host, login, "/")
    assert (status, headers["location"]) == (302, "/realms/skole/account/")


def test_without_tls_one_is_sent_to_tls(host: Host, login: str) -> None:
    program = (
        "import http.client as h, sys; c = h.HTTPConnection(sys.argv[1]);"
        "c.request('GET', '/realms/skole/account/?a=b'); r = c.getresponse();"
        "print(r.status, r.headers['Location'])"
    )
    expected = f"301 https://{login}/realms/skole/account/?a=b"
    assert python(host, program, login).strip() == expected


def test_every_node_is_ready(host: Host, inventory: Inventory) -> None:
    (address,) = listening(host, 8405)
    page = get(host, f"http://{address}:8405/metrics")
    nodes = [("identity", node) for node in inventory.hosts(Tier.IDENTITY)]
    nodes += [(cell, cell) for cell in inventory.hosts(Tier.DRIVE)]
    for proxy, node in nodes:
        line = f'haproxy_server_status{{proxy="{proxy}",server="{node}",state="UP"}} 1'
        assert line in page


def test_every_cell_of_the_drive_has_a_name_of_its_own(host: Host, inventory: Inventory) -> None:
    for cell in inventory.hosts(Tier.DRIVE):
        status, _, body = ask(host, f"{cell}.{inventory.site.site_domain}", "/status.php")
        assert status == 200
        assert json.loads(body)["installed"] is True


def test_the_portal_leads_to_every_cell(host: Host, inventory: Inventory) -> None:
    domain = inventory.site.site_domain
    status, _, body = ask(host, f"portal.{domain}", "/")
    assert status == 200
    for cell in inventory.hosts(Tier.DRIVE):
        assert f"https://{cell}.{domain}/" in body


def test_the_portal_is_one_page(host: Host, inventory: Inventory) -> None:
    assert ask(host, f"portal.{inventory.site.site_domain}", "/admin")[0] == 404
