"""Prometheus is asked again for a while, and then given up in one line."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from klokken import telemetry
from klokken.errors import MachineError
from klokken.remote import Remote
from tests.unit.test_plan import inventory

if TYPE_CHECKING:
    from collections.abc import Iterator

NOTHING = b'{"data": {"result": []}}'


class Prometheus(BaseHTTPRequestHandler):
    """Answers with the next of `statuses`, the last of them for good; 0 breaks the connection."""

    statuses: ClassVar[list[int]] = []

    def do_GET(self) -> None:
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        if not status:
            return
        self.send_response(status)
        self.end_headers()
        self.wfile.write(NOTHING)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def statuses(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Have the metrics' host forward to a Prometheus here; give what it will answer with."""
    answers: list[int] = []
    monkeypatch.setattr(Prometheus, "statuses", answers)
    server = HTTPServer(("127.0.0.1", 0), Prometheus)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))

    @contextmanager
    def forward(*_: Any) -> Iterator[int]:
        yield server.server_address[1]

    monkeypatch.setattr(Remote, "forward", forward)
    monkeypatch.setattr(telemetry, "PAUSE", 0.01)
    thread.start()
    yield answers
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_prometheus_that_starts_anew_is_waited_for(statuses: list[int]) -> None:
    statuses += [0, 503, 200]
    assert telemetry.tier_cpu(inventory(), 0.0, 10.0) == {}
    assert statuses == [200]


def test_one_that_stays_silent_is_given_up(
    statuses: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telemetry, "PATIENCE", 0.1)
    statuses.append(503)
    with pytest.raises(MachineError, match=r"^metrics1: Prometheus does not answer \(.*503"):
        telemetry.tier_cpu(inventory(), 0.0, 10.0)


def test_a_question_that_it_refuses_is_not_asked_again(statuses: list[int]) -> None:
    statuses += [400, 200]
    with pytest.raises(MachineError, match="400"):
        telemetry.tier_cpu(inventory(), 0.0, 10.0)
    assert statuses == [200]
