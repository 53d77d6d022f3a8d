"""What a stack says of the challenge dns-01 is looked at before anything is asked for."""

from __future__ import annotations

import base64
import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from klokken import workspace
from klokken.acme import NameServer, name_server
from klokken.doctor import certificates, records
from klokken.doctor.examine import examine
from klokken.errors import Exit, InputError
from klokken.stackconfig import StackConfig
from tests.doubles.nameserver import NameServer as Double
from tests.doubles.nameserver import answering

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE = "Pulumi.horsens.yaml"
KEY = base64.b64encode(b"k" * 32).decode()
ALGORITHMS, ZONE_MEND = "hmac-sha256, hmac-sha384, hmac-sha512", "give the zone that has them"
DNS = {"server": "192.0.2.53", "zone": "skole.example", "key_name": "klokken"}
ACME = {"directory": "https://acme.example/dir", "challenge": "dns-01", "dns": DNS}


def parsed(place: str = "variables", config: Any = None, **variables: Any) -> StackConfig:
    edge = {place: {"edge1": variables} if place == "hosts" else variables}
    site = {"domain": "skole.example", "network": "10.20.0.0/24", "accounts": 1}
    body = {"klokken:substrate": "servers", "klokken:site": {**site, "tiers": {"edge": edge}}}
    return StackConfig.parse({**body, **(config or {})}, FILE)


def acme(**changed: Any) -> dict[str, Any]:
    """Return the variable, some of its fields being others; those that are None are left out."""
    return {name: value for name, value in {**ACME, **changed}.items() if value is not None}


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (
            acme(challenge="tls-alpn-01"),
            ".challenge: none of its choices (got 'tls-alpn-01'); choose http-01, dns-01",
        ),
        (
            acme(dns=None),
            ": has the challenge dns-01 and no `dns`, which names the name server; correct it",
        ),
        (
            acme(challenge="http-01"),
            ": has `dns` and not `challenge: dns-01`, which needs it; correct it",
        ),
        (
            acme(challenge=None),
            ": has `dns` and not `challenge: dns-01`, which needs it; correct it",
        ),
        (acme(directory=None), ".directory: missing; add it"),
        (acme(dns={"server": "192.0.2.53", "zone": "x.dk"}), ".dns.key_name: missing; add it"),
        (acme(dns={**DNS, "key": KEY}), ".dns.key: unknown key; remove it"),
        (
            acme(dns={**DNS, "key_algorithm": "hmac-md5"}),
            ".dns.key_algorithm: none of its choices (got 'hmac-md5'); choose " + ALGORITHMS,
        ),
        (
            acme(dns={**DNS, "server": "ns1.skole.example"}),
            ".dns.server: Input is not a valid IPv4 address (got 'ns1.skole.example'); correct it",
        ),
        (
            acme(dns={**DNS, "zone": "other.example"}),
            f".dns.zone: the names of skole.example are not in other.example; {ZONE_MEND}",
        ),
        (
            acme(dns={**DNS, "wait": 0}),
            ".dns.wait: Input should be greater than or equal to 1 (got 0); correct it",
        ),
    ],
)
@pytest.mark.parametrize("place", ["variables", "hosts"])
def test_what_no_authority_could_be_asked_by_is_refused_in_one_line(
    given: dict[str, Any], line: str, place: str
) -> None:
    with pytest.raises(InputError) as refused:
        parsed(place, certificate_acme=given)
    field = "hosts.edge1" if place == "hosts" else "variables"
    assert str(refused.value) == f"{FILE}: klokken.site.tiers.edge.{field}.certificate_acme{line}"
    assert refused.value.code == Exit.BAD_INPUT


def test_a_wildcard_needs_the_challenge_by_dns() -> None:
    wild = ["*.skole.example"]
    assert parsed(certificate_acme=ACME, certificate_names=wild)
    with pytest.raises(InputError, match=r"certificate_names: \*\.skole\.example needs the chall"):
        parsed(certificate_acme=acme(challenge=None, dns=None), certificate_names=wild)


def test_a_zone_may_be_above_the_domain() -> None:
    assert parsed(certificate_acme=acme(dns={**DNS, "zone": "skole.example"}))
    assert name_server(parsed(certificate_acme=ACME).site) == NameServer.model_validate(DNS)


def test_what_a_host_works_out_is_left_to_it() -> None:
    worked_out = parsed(certificate_acme=acme(dns={**DNS, "server": "{{ name_server }}"}))
    assert name_server(worked_out.site) is None


@pytest.mark.parametrize("name", ["dns_key", "secrets"])
def test_a_secret_in_clear_is_refused_and_not_said(name: str) -> None:
    with pytest.raises(InputError) as refused:
        parsed(config={f"klokken:{name}": KEY})
    assert str(refused.value) == (
        f"{FILE}: klokken.{name}: in clear;"
        " change it, as others may know it, and set it by `--secret`"
    )


def test_nothing_stands_up_without_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    made = {"klokken:secrets": {"secure": "v1:"}}
    without = parsed(config=made, certificate_acme=ACME)
    monkeypatch.setattr(StackConfig, "read", lambda _stack: without)
    with pytest.raises(InputError) as refused:
        workspace.require_stack("horsens")
    assert str(refused.value).endswith(
        "klokken:dns_key: missing; run `pulumi config set --secret klokken:dns_key --stack horsens`"
    )
    whole = parsed(config={**made, "klokken:dns_key": {"secure": "v1:"}}, certificate_acme=ACME)
    monkeypatch.setattr(StackConfig, "read", lambda _stack: whole)
    assert workspace.require_stack("horsens") == whole


@pytest.fixture
def server() -> Iterator[NameServer]:
    """Have a name server of the zone that knows one key."""
    with answering(Double("skole.example", {"klokken": KEY})) as port:
        yield NameServer.model_validate({**DNS, "server": "127.0.0.1", "port": port})


def test_a_server_that_knows_zone_and_key_lacks_nothing(server: NameServer) -> None:
    assert list(records.problems(server, KEY)) == []


@pytest.mark.parametrize(
    ("changed", "key", "said"),
    [
        ({}, None, "klokken:dns_key: missing; run `pulumi config set --secret klokken:dns_key`"),
        ({}, "no key!", "klokken:dns_key: is not base64; set it again"),
        ({}, base64.b64encode(b"other").decode(), "127.0.0.1 does not know the key"),
        ({"key_name": "other"}, KEY, "127.0.0.1 does not know the key"),
        ({"zone": "other.example"}, KEY, "127.0.0.1 does not serve the zone other.example"),
        ({"port": 1}, KEY, "let this machine reach it by TCP on port 1"),
        ({"secondaries": ["127.0.0.2"]}, KEY, "dns.secondaries: 127.0.0.2 does not answer"),
    ],
)
def test_the_doctor_says_what_the_name_server_lacks(
    server: NameServer, changed: dict[str, Any], key: str | None, said: str
) -> None:
    asked = NameServer.model_validate({**server.model_dump(), **changed})
    (line,) = records.problems(asked, key)
    assert said in line
    assert "\n" not in line
    assert key is None or key not in line


def test_the_doctor_looks_at_it_where_an_authority_will_ask_it(
    server: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certificates, "_of_acme", lambda _directory: iter(()))
    dns = server.model_dump(mode="json")
    site = parsed(certificate_acme=acme(dns=dns)).site
    today = dt.date(2026, 11, 22)
    (found,) = certificates.examine(site, today, KEY)
    assert found.ready
    assert "challenge dns-01" in found.text
    (found,) = certificates.examine(site, today)
    assert "klokken:dns_key: missing" in found.text


def test_the_doctor_reads_the_key_and_does_not_say_it(
    server: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, ...]] = []

    def told(*argv: str) -> str:
        asked.append(argv)
        return f"{KEY}\n"

    monkeypatch.setattr(workspace, "pulumi", told)
    monkeypatch.setattr(certificates, "_of_acme", lambda _directory: iter(()))
    given = acme(dns=server.model_dump(mode="json"))
    config = {"klokken:substrate": "lab", "klokken:dns_key": {"secure": "v1:"}}
    monkeypatch.setattr(
        StackConfig, "read", lambda _stack: parsed(config=config, certificate_acme=given)
    )
    found = examine("horsens", dt.date(2026, 11, 22))
    assert [each.ready for each in found.findings if each.topic == "certificate"] == [True]
    assert asked == [("config", "get", "klokken:dns_key", "--stack", "horsens")]
    assert KEY not in found.model_dump_json()
