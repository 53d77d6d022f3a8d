"""An operation that has no end is given one, and says so in a line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from klokken import deadline
from klokken.deadline import OverdueError, within
from klokken.errors import Exit
from klokken.remote import Remote

OVERDUE = r"^edge1: create: not done after 0.01 s; .* then `up` again, which goes on from there$"


def wait_for_the_end() -> None:
    while True:
        deadline.check()


def test_without_a_deadline_each_wait_keeps_its_own_limit() -> None:
    assert deadline.bounded(30) == 30


def test_with_one_no_wait_is_longer_than_what_is_left() -> None:
    with within("edge1", "create", 5):
        assert deadline.bounded(30) <= 5
        assert deadline.bounded(1) == 1


def test_when_it_is_over_the_line_says_of_what_and_after_how_long() -> None:
    with pytest.raises(OverdueError, match=OVERDUE) as struck, within("edge1", "create", 0.01):
        wait_for_the_end()
    assert struck.value.code == Exit.MACHINE


def test_an_inner_operation_has_no_more_time_than_the_outer_one() -> None:
    with (
        pytest.raises(OverdueError, match=r"^edge1: create: "),
        within("edge1", "create", 0.01),
        within("its folder", "delete", 60),
    ):
        wait_for_the_end()


def test_what_clears_up_may_finish_and_the_deadline_holds_again_after_it() -> None:
    with within("edge1", "delete", 0):
        with deadline.lifted():
            assert deadline.bounded(30) == 30
        with pytest.raises(OverdueError, match=r"then `klokken down` again"):
            deadline.check()


def test_threads_keep_to_the_deadline_of_who_started_them() -> None:
    with within("edge1", "update", 0), deadline.pool(2) as pool:
        found = pool.submit(deadline.check).exception()
    assert isinstance(found, OverdueError)
    with deadline.pool(2) as pool:
        pool.submit(deadline.check).result()


def test_a_host_that_keeps_ssh_waiting_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ssh = tmp_path / "ssh"
    ssh.write_text(f"#!{sys.executable}\nimport time\ntime.sleep(600)\n")
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    host = Remote("edge1", "192.0.2.1", Path("key"), "")
    with pytest.raises(OverdueError, match=OVERDUE), within("edge1", "create", 0.01):
        host.run(["true"])
