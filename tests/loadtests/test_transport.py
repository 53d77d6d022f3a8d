from __future__ import annotations

import errno
import os
import resource
import socket
import ssl
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import gevent
import pytest

from klokken.errors import InputError
from klokken.record import INTERNAL
from loadtests import login
from loadtests.requests import Request, Response, Site
from loadtests.steps import Ask, Unanswered
from loadtests.target import Target
from loadtests.transport import Connection, Transport, tls_context
from tests.loadtests.certificate import certificate
from tests.loadtests.double import Double
from tests.loadtests.keycloak import CLIENT, PASSWORD, REALM

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Double]:
    with Double(tmp_path) as running:
        yield running


@contextmanager
def few_files() -> Iterator[None]:
    """Let this process open no further file."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    # A new file has a number from 3 on.
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def target(site: Double, **changes: object) -> Target:
    values = {"host": "127.0.0.1", "address": "127.0.0.1", "port": int(site.origin.split(":")[-1])}
    return Target(**{**values, **changes})  # type: ignore[arg-type]


def connection(site: Double, **changes: object) -> Connection:
    targets = {site.origin: target(site, **changes)}
    return Transport(targets, tls_context(site.ca_file)).connection()


def test_a_whole_login_uses_one_connection_of_its_own(site: Double) -> None:
    transport = Transport({site.origin: target(site)}, tls_context(site.ca_file))
    for user in ("elev0000001", "elev0000002"):
        wire = transport.connection()
        steps = login.sign_in(Site(site.origin, REALM, CLIENT, "https://a/b"), user, PASSWORD)
        step = next(steps)
        with suppress(StopIteration):
            while True:
                seen = step.read(wire.send(step.request)) if isinstance(step, Ask) else None
                step = steps.send(seen)
        wire.close()
    assert site.logins == ["elev0000001", "elev0000002"]
    assert site.connections == 2
    assert transport.tls.startswith("TLSv1.3 ")


def test_pupils_come_from_each_source_address_in_turn(site: Double) -> None:
    sources = ["127.0.0.2", "127.0.0.3"]
    transport = Transport({site.origin: target(site)}, tls_context(site.ca_file), sources)
    for _ in range(3):
        wire = transport.connection()
        wire.send(Request(site.origin, "GET", "/?state=a&nonce=b&redirect_uri=c"))
        wire.close()
    assert site.clients == ["127.0.0.2", "127.0.0.3", "127.0.0.2"]


def test_an_address_that_is_not_the_hosts_own_is_an_error_of_the_load_generator(
    site: Double,
) -> None:
    sources = ["192.0.2.1"]
    wire = Transport({site.origin: target(site)}, tls_context(site.ca_file), sources).connection()
    with pytest.raises(Unanswered, match=f"^{INTERNAL}: Cannot assign requested address$"):
        wire.send(Request(site.origin, "GET", "/"))
    wire.close()


def test_too_few_open_files_are_an_error_of_the_load_generator(site: Double) -> None:
    wire = connection(site)
    with few_files(), pytest.raises(Unanswered, match=f"^{INTERNAL}: Too many open files$"):
        wire.send(Request(site.origin, "GET", "/"))
    page = Request(site.origin, "GET", "/?state=a&nonce=b&redirect_uri=c")
    assert wire.send(page).status == 200
    wire.close()


@pytest.mark.parametrize("number", [errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
def test_what_the_load_generators_kernel_lacks_is_no_failure_of_the_site(
    site: Double, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, "refused")

    monkeypatch.setattr("loadtests.wire.Wire._connect", refuse)
    wire = connection(site)
    with pytest.raises(Unanswered, match=f"^{INTERNAL}: {os.strerror(number)}$"):
        wire.send(Request(site.origin, "GET", "/"))
    wire.close()


def test_a_network_that_leads_nowhere_is_a_failed_connection(
    site: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EHOSTUNREACH, "connect")

    monkeypatch.setattr("loadtests.wire.Wire._connect", refuse)
    wire = connection(site)
    with pytest.raises(Unanswered, match=r"^connection$"):
        wire.send(Request(site.origin, "GET", "/"))
    wire.close()


def test_each_host_has_a_connection_that_is_kept(site: Double) -> None:
    targets = {
        origin: target(site, port=int(origin.rpartition(":")[2])) for origin in site.school.origins
    }
    wire = Transport(targets, tls_context(site.ca_file)).connection()
    for origin in (*site.school.origins[1:], *site.school.origins[1:]):
        wire.send(Request(origin, "GET", "/"))
    assert site.connections == 3
    wire.close()


def test_a_connection_that_is_not_needed_for_long_is_closed(site: Double) -> None:
    wire = connection(site)
    for expected in (1, 2):
        page = Request(site.origin, "GET", "/?state=a&nonce=b&redirect_uri=c", last=True)
        assert wire.send(page).status == 200
        assert site.connections == expected
    wire.close()


def test_a_connection_that_the_site_closed_is_opened_anew(site: Double) -> None:
    site.idle_seconds = 0.2
    wire = connection(site)
    for expected in (1, 2):
        wire.send(Request(site.origin, "GET", "/?state=a&nonce=b&redirect_uri=c"))
        assert site.connections == expected
        time.sleep(0.6)
    wire.close()


def test_an_answer_that_is_given_up_is_never_taken_for_the_next(site: Double) -> None:
    wire = connection(site)
    page = Request(site.origin, "GET", "/?state=a&nonce=b&redirect_uri=c")

    given_up = threading.Event()

    def slow(_: Request) -> Response:
        given_up.wait(60)
        return Response(418)

    site.school.instead = slow
    with pytest.raises(Unanswered, match="given up"), gevent.Timeout(0.2, Unanswered("given up")):
        wire.send(page)
    given_up.set()
    site.school.instead = lambda _: None
    assert wire.send(page).status == 200
    assert site.connections == 2
    wire.close()


def test_a_lost_answer_is_a_closed_connection(site: Double) -> None:
    site.school.lost = lambda _: True
    wire = connection(site)
    with pytest.raises(Unanswered, match=r"^connection closed$"):
        wire.send(Request(site.origin, "GET", "/?state=a&nonce=b&redirect_uri=c"))
    wire.close()


def test_a_bulky_answer_is_counted_and_not_kept(site: Double) -> None:
    site.school.instead = lambda _: Response(200, b"%" * 300_000, etag="e")
    wire = connection(site)
    found = wire.send(Request(site.origin, "GET", "/", bulk=True))
    assert (found.body, found.length, found.etag) == (b"", 300_000, "e")
    assert wire.send(Request(site.origin, "GET", "/")).length == 300_000
    assert site.connections == 1
    wire.close()


def test_a_certificate_of_another_authority_is_not_accepted(site: Double, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    _, other = certificate(tmp_path / "other")
    wire = Transport({site.origin: target(site)}, tls_context(other)).connection()
    with pytest.raises(Unanswered, match=r"^certificate$"):
        wire.send(Request(site.origin, "GET", "/"))
    wire.close()


def test_a_certificate_for_another_name_is_not_accepted(site: Double) -> None:
    wire = connection(site, host="login.skole.test")
    with pytest.raises(Unanswered, match=r"^certificate$"):
        wire.send(Request(site.origin, "GET", "/"))
    wire.close()


def test_a_closed_port_is_named(site: Double) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        wire = connection(site, port=unused.getsockname()[1])
        with pytest.raises(Unanswered, match=r"^connection refused$"):
            wire.send(Request(site.origin, "GET", "/"))
    wire.close()


def test_every_handshake_is_whole_though_the_site_offers_its_sessions(tmp_path: Path) -> None:
    key_file, cert_file = certificate(tmp_path)
    offering = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    offering.load_cert_chain(cert_file, key_file)
    resumed: list[bool | None] = []

    def serve() -> None:
        for _ in range(3):
            plain, _ = listener.accept()
            with offering.wrap_socket(plain, server_side=True) as secure:
                resumed.append(secure.session_reused)
                secure.recv(4096)
                secure.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve)
        server.start()
        port = listener.getsockname()[1]
        origin = f"https://127.0.0.1:{port}"
        transport = Transport(
            {origin: Target("127.0.0.1", "127.0.0.1", port)}, tls_context(cert_file)
        )
        for _ in range(3):
            wire = transport.connection()
            assert wire.send(Request(origin, "GET", "/")).status == 204
            wire.close()
        server.join()
    assert resumed == [False, False, False]


def test_a_file_that_is_no_certificate_authority_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("not one")
    with pytest.raises(InputError, match=r"ca\.pem"):
        tls_context(tmp_path / "ca.pem")
