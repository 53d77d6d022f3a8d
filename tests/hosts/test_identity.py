"""Keycloak: the realm as it must be, and a node that takes traffic only when it is warm."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from klokken.topology import Tier
from tests.hosts.on_host import assert_hardened, assert_runs_hardened, get, python

if TYPE_CHECKING:
    from testinfra.host import Host

    from klokken.inventory import Inventory

TIER = "identity"
NODE = "http://127.0.0.1:8080"

# Prints the status and the headers of one GET, given its headers as name=value.
_STATUS = """
import http.client, sys, urllib.parse
url = urllib.parse.urlsplit(sys.argv[1])
connection = http.client.HTTPConnection(url.hostname, url.port, timeout=10)
headers = dict(header.split("=") for header in sys.argv[2:])
connection.request("GET", f"{url.path}?{url.query}", headers=headers)
response = connection.getresponse()
print(response.status, response.headers.get("Location", ""))
"""
# Prints the value of an expression about `realm` as JSON.
_REALM = """
import json, re, sys
sys.dont_write_bytecode = True
sys.path.insert(0, "/opt/klokken/identity")
from realm import Realm, RealmError
def made(name):
    try:
        realm._call("POST", "/users", {"username": name, "enabled": False})
    except RealmError as error:
        return str(error)
    return "made"
settings = open("/etc/keycloak/keycloak.conf").read()
realm = Realm(sys.argv[1], "skole", re.search("bootstrap-admin-password=(.*)", settings)[1])
print(json.dumps(eval(sys.argv[2])))
"""
# What Keycloak itself gives a new password.
_ARGON2 = {
    "hashIterations": 5,
    "algorithm": "argon2",
    "additionalParameters": {
        "hashLength": ["32"],
        "memory": ["7168"],
        "type": ["id"],
        "version": ["1.3"],
        "parallelism": ["1"],
    },
}


def open_to_the_edge(host: Host, address: str) -> bool:
    """Return whether the port that the edge asks is open, as seen from the node itself."""
    return bool(host.socket(f"tcp://{address}:9010").is_listening)


def warmed(host: Host) -> list[dict[str, float]]:
    """Return the report of each warm-up in the journal, oldest first."""
    lines = host.check_output("journalctl -u keycloak-warmup.service --no-pager -o cat")
    reports = [line for line in lines.splitlines() if line.startswith("logins=")]
    return [{k: float(v) for k, v in re.findall(r"(\w+)=([\d.]+)", line)} for line in reports]


def test_keycloak_runs_and_may_do_little(host: Host) -> None:
    assert_runs_hardened(host, "keycloak.service")


@pytest.mark.parametrize("unit", ["keycloak-warmup.service", "keycloak-ready.service"])
def test_its_helpers_may_do_little(host: Host, unit: str) -> None:
    assert_hardened(host, unit)


def test_java_runs_with_the_settings_of_the_role(host: Host) -> None:
    (java,) = host.process.filter(comm="java")
    assert java.user == "keycloak"
    for method in ("quarterRound", "roundFunction"):
        assert f"Argon2BytesGenerator::{method}" in java.args
    assert "start --optimized" in java.args


def test_no_secret_is_in_arguments_or_environment(host: Host) -> None:
    file = host.file("/etc/keycloak/keycloak.conf")
    assert (file.user, file.mode) == ("keycloak", 0o600)
    secrets = re.findall(r"password=(\S+)", file.content_string)
    warmup = host.file("/etc/klokken/credentials/warmup")
    assert (warmup.user, warmup.mode) == ("root", 0o600)
    seen = host.check_output(
        "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' ' '"
    )
    journal = host.check_output("journalctl --no-pager -o cat")
    for secret in [*secrets, warmup.content_string.strip()]:
        assert secret not in seen
        assert secret not in journal


def test_the_node_is_ready_and_its_metrics_are_there(host: Host) -> None:
    assert json.loads(get(host, "http://127.0.0.1:9000/health/ready"))["status"] == "UP"
    assert "jvm_memory_used_bytes" in get(host, "http://127.0.0.1:9000/metrics")


def test_the_realm_names_itself_by_its_public_name(host: Host, inventory: Inventory) -> None:
    told = get(host, f"{NODE}/realms/skole/.well-known/openid-configuration")
    domain = inventory.site.site_domain
    assert json.loads(told)["issuer"] == f"https://login.{domain}/realms/skole"


def authorization(inventory: Inventory, **changes: str) -> str:
    """Return the address of a login page, with parameters changed or left out."""
    query: dict[str, Any] = {
        "response_type": "code",
        "client_id": "drive",
        "scope": "openid",
        "redirect_uri": f"https://portal.{inventory.site.site_domain}/",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
    } | changes
    text = "&".join(f"{name}={value}" for name, value in query.items() if value)
    return f"{NODE}/realms/skole/protocol/openid-connect/auth?{text}"


def status(host: Host, url: str) -> str:
    """Return status and location of an answer, asked as if through the edge."""
    return python(host, _STATUS, url, "X-Forwarded-Proto=https").strip()


def test_the_login_page_is_served(host: Host, inventory: Inventory) -> None:
    assert status(host, authorization(inventory)) == "200"


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": "", "code_challenge_method": ""},
        {"code_challenge_method": "plain"},
        {"response_type": "token"},
    ],
    ids=["no PKCE", "plain PKCE", "implicit flow"],
)
def test_only_code_with_pkce_is_allowed(
    host: Host, inventory: Inventory, changes: dict[str, str]
) -> None:
    answer = status(host, authorization(inventory, **changes))
    assert answer.startswith("302")
    assert "error=" in answer


def test_codes_go_to_every_cell_of_the_drive(host: Host, inventory: Inventory) -> None:
    for cell in inventory.hosts(Tier.DRIVE):
        back = f"https://{cell}.{inventory.site.site_domain}/oidc-callback.html"
        assert status(host, authorization(inventory, redirect_uri=back)) == "200"


def test_codes_go_nowhere_else(host: Host, inventory: Inventory) -> None:
    answer = status(host, authorization(inventory, redirect_uri="https://elsewhere.example/"))
    assert answer == "400"


def ask_realm(host: Host, expression: str) -> Any:
    """Return what the administrator's view of the realm says, asked on the node itself."""
    return json.loads(python(host, _REALM, NODE, expression))


@pytest.mark.parametrize("name", ["admin", "Administrator", "root"])
def test_nobody_may_be_called_what_the_drive_takes_for_somebody_else(host: Host, name: str) -> None:
    answer = ask_realm(host, f"made({name!r})")
    assert "400" in answer
    assert "reserved-user-name" in answer


def test_every_class_has_its_teacher(host: Host, inventory: Inventory) -> None:
    classes = -(-inventory.site.site_accounts // 21)
    assert ask_realm(host, "realm.count('laerer')") >= classes


def test_all_pupils_are_there(host: Host, inventory: Inventory) -> None:
    assert ask_realm(host, "realm.count('elev')") >= inventory.site.site_accounts


def test_a_pupils_hash_has_the_parameters_that_keycloak_gives_its_own(
    host: Host, name: str
) -> None:
    for account in ("elev0000001", f"klokken-warmup-{name}-0"):
        found = ask_realm(host, f"realm.credentials({account!r})")
        assert [json.loads(each["credentialData"]) for each in found] == [_ARGON2]


def test_the_node_was_warmed_up(host: Host, inventory: Inventory, name: str) -> None:
    address = str(inventory.hosts()[name].site_address)
    assert open_to_the_edge(host, address)
    assert warmed(host)[-1]["logins"] > 0
    ready = get(host, f"http://{address}:9010/health/ready")
    assert json.loads(ready)["status"] == "UP"
