from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klokken import writes
from klokken.errors import MachineError
from klokken.paths import PROJECT
from klokken.retries import Retries

if TYPE_CHECKING:
    from pathlib import Path

MORNING = (PROJECT / "docs/journeys/morning.md").read_text(encoding="utf-8")
WRITE = writes.Write(
    pupil=3,
    username="elev0000004",
    cell=1,
    path="Prøve/Aflevering.txt",
    kind="handin",
    sha256="0" * 64,
    size=20_000,
    sent=1.5,
    outcome="unknown",
    status=None,
    etag="",
    acknowledged=None,
    late=False,
)


def test_the_log_is_read_as_it_was_written(tmp_path: Path) -> None:
    told = WRITE.model_copy(update={"outcome": "acknowledged", "status": 201, "etag": "e"})
    path = tmp_path / writes.NAME
    path.write_text("".join(w.model_dump_json() + "\n" for w in (WRITE, told)))
    assert list(writes.read(path)) == [WRITE, told]


def test_a_log_that_is_cut_short_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / writes.NAME
    path.write_text(WRITE.model_dump_json() + "\n" + WRITE.model_dump_json()[:40])
    with pytest.raises(MachineError, match=r"writes\.jsonl: line 2: is no write"):
        list(writes.read(path))


def test_a_missing_log_is_named(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="left no log of writes"):
        list(writes.read(tmp_path / writes.NAME))


@given(attempt=st.integers(0, 1000), drawn=st.floats(0, 1))
def test_a_pause_grows_and_is_capped(attempt: int, drawn: float) -> None:
    retries = Retries()
    pause = retries.pause(attempt, drawn)
    assert retries.first_seconds / 2 <= pause <= retries.most_seconds
    assert retries.pause(attempt, 1.0) <= retries.pause(attempt + 1, 1.0)
    assert retries.pause(attempt, 1.0) == 2 * retries.pause(attempt, 0.0)


def test_a_client_outlasts_80_seconds_of_refusals_that_come_at_once() -> None:
    retries = Retries()
    least, most = (
        sum(retries.pause(n, drawn) for n in range(retries.attempts - 1)) for drawn in (0.0, 1.0)
    )
    assert (int(least), round(most)) == (82, 166)
    assert "16 times in all" in MORNING
    assert "82 to 166 s together" in MORNING
