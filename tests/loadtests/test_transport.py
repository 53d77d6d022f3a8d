from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from klokken.errors import InputError
from loadtests import journeys
from loadtests.requests import Request, Site
from loadtests.target import Target
from loadtests.transport import Connection, ConnectionFailed, Transport, tls_context
from tests.loadtests.double import CLIENT, PASSWORD, REALM, REDIRECT, LoginSite, certificate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def site(tmp_path: Path) -> Iterator[LoginSite]:
    with LoginSite(tmp_path) as running:
        yield running


def target(site: LoginSite, **changes: object) -> Target:
    values = {"host": "127.0.0.1", "address": "127.0.0.1", "port": int(site.origin.split(":")[-1])}
    return Target(**{**values, **changes})  # type: ignore[arg-type]


def connection(site: LoginSite, **changes: object) -> Connection:
    return Transport(target(site, **changes), tls_context(site.ca_file)).connection()


def test_a_whole_login_uses_one_connection_of_its_own(site: LoginSite) -> None:
    transport = Transport(target(site), tls_context(site.ca_file))
    for pupil in (0, 1):
        wire = transport.connection()
        journey = journeys.login(Site(site.origin, REALM, CLIENT, REDIRECT), pupil, PASSWORD)
        step = next(journey)
        for _ in journeys.REQUESTS[1:]:
            step = journey.send(wire.send(step[1]))
        with pytest.raises(StopIteration):
            journey.send(wire.send(step[1]))
        wire.close()
    assert site.logins == ["elev0000001", "elev0000002"]
    assert site.connections == 2
    assert transport.tls.startswith("TLSv1.3 ")


def test_a_certificate_of_another_authority_is_not_accepted(
    site: LoginSite, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    _, other = certificate(tmp_path / "other")
    wire = Transport(target(site), tls_context(other)).connection()
    with pytest.raises(ConnectionFailed, match=r"^certificate$"):
        wire.send(Request("GET", "/"))
    wire.close()


def test_a_certificate_for_another_name_is_not_accepted(site: LoginSite) -> None:
    wire = connection(site, host="login.skole.test")
    with pytest.raises(ConnectionFailed, match=r"^certificate$"):
        wire.send(Request("GET", "/"))
    wire.close()


def test_a_closed_port_is_named(site: LoginSite) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        wire = connection(site, port=unused.getsockname()[1])
        with pytest.raises(ConnectionFailed, match=r"^connection refused$"):
            wire.send(Request("GET", "/"))
    wire.close()


def test_a_file_that_is_no_certificate_authority_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("not one")
    with pytest.raises(InputError, match=r"ca\.pem"):
        tls_context(tmp_path / "ca.pem")
