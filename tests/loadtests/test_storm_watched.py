"""A storm that somebody watches: Locust's own web interface, on 127.0.0.1."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import time
from http.client import HTTPConnection
from typing import TYPE_CHECKING

import pytest

from klokken.storm.units import WATCHED
from tests.loadtests.double import Double
from tests.loadtests.rehearsal import Rehearsal, free_port, plan_for

if TYPE_CHECKING:
    from pathlib import Path


def asked(port: int, path: str, method: str = "GET") -> str:
    """Return what the web interface answers."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request(method, path)
        answer = connection.getresponse()
        assert answer.status == 200
        return answer.read().decode()


@pytest.mark.slow
def test_the_page_answers_during_the_storm_and_the_storm_is_the_same(tmp_path: Path) -> None:
    port = free_port()
    options = (*WATCHED.split(), f"--web-port={port}")
    with Double(tmp_path) as site:
        plan = plan_for(site, closes=time(8, 0, 5))
        with Rehearsal(site, plan, tmp_path, free_port(), options=options) as rehearsal:
            rehearsal.wait_for_progress(started=1)
            page = asked(port, "/")
            shown = json.loads(asked(port, "/stats/requests"))
            rehearsal.wait_for_the_end()
            # Watched, the master stays for as long as nobody stops it.
            assert rehearsal.master.poll() is None
            rehearsal.master.terminate()
            record = rehearsal.record()
    assert "<title>Locust</title>" in page
    assert len(shown["workers"]) == plan.workers
    assert record.cut_short == ""
    assert len(site.logins) == plan.offered
