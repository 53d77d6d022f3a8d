"""The driver against a host that is a folder: `ssh` and `systemctl` are small scripts there."""

from __future__ import annotations

import io
import json
import os
import sys
from typing import TYPE_CHECKING

import pytest

from klokken.errors import MachineError
from klokken.profile import Profile
from klokken.remote import Remote
from klokken.storm import driver
from klokken.storm.progress import ProgressLine
from klokken.telemetry import parsed, versions
from tests import storms
from tests.unit.test_plan import inventory
from tests.unit.test_verdict import record

if TYPE_CHECKING:
    from pathlib import Path

    from klokken.results import StormPlan

SSH = """#!/bin/sh
echo "$*" >> "$HOST/ssh.log"
for last; do :; done
exec sh -c "$last"
"""

# What the units of a load generator do, as far as the driver sees it. $MODE says how they fare.
SYSTEMCTL = """#!/bin/sh
echo "$*" >> "$HOST/systemctl.log"
case "$1" in
  show) cat "$HOST/pid" ;;
  is-active) if [ -e "$HOST/pid" ]; then echo active; else echo inactive; exit 3; fi ;;
  is-failed)
    shift
    for unit; do if [ "$MODE" = fail ]; then echo failed; else echo active; fi; done ;;
  start)
    . "$HOST/run/storm.env"
    [ "$MODE" = refuse ] && { echo "Job for klokken-master.service failed." >&2; exit 1; }
    mkdir -p "$KLOKKEN_RUN_DIR"
    if [ "$MODE" = fail ]; then sleep 0 & else
      cp "$HOST/progress.jsonl" "$HOST/record.json" "$HOST/writes.jsonl" "$KLOKKEN_RUN_DIR/"
      sleep 60 >/dev/null 2>&1 &
    fi
    echo $! > "$HOST/pid" ;;
  stop) [ -e "$HOST/pid" ] && kill "$(cat "$HOST/pid")" 2>/dev/null; rm -f "$HOST/pid" ;;
esac
"""
JOURNAL = '#!/bin/sh\necho "the certificate authority cannot be read"\n'


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put the scripts first on PATH, and the host's folders below `tmp_path`."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in {"ssh": SSH, "systemctl": SYSTEMCTL, "journalctl": JOURNAL}.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("HOST", str(tmp_path))
    monkeypatch.setattr(driver, "RUNTIME", str(tmp_path / "run"))
    monkeypatch.setattr(driver, "RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(driver, "SILENCE", 0.5)
    lines = [progress_line(second=n, done=n == 3) for n in range(4)]
    (tmp_path / "progress.jsonl").write_text("\n".join(lines) + "\n")
    (tmp_path / "record.json").write_text(record().model_dump_json())
    (tmp_path / "writes.jsonl").write_text("the log")
    return tmp_path


def progress_line(second: int, *, done: bool = False, dropped: int = 0) -> str:
    counts = {
        "offered": 7,
        "started": 6,
        "completed": 4,
        "failed": 1,
        "abandoned": 1,
        "dropped": dropped,
    }
    clock = f"08:00:{second:02d}"
    rest = {"rate": 1.25, "workers": 2, "lost": 0, "done": done}
    return json.dumps({"clock": clock, "second": second, **counts, **rest})


def plan() -> StormPlan:
    return storms.plan(100, seconds=4)


def ring(host: Path, out: io.StringIO | None = None) -> None:
    driver.ring(inventory(), plan(), host / "results", out=out or io.StringIO())


def test_a_storm_is_started_followed_fetched_and_cleared_up(host: Path) -> None:
    out = io.StringIO()
    found = driver.ring(inventory(), plan(), host / "results", out=out)
    assert found == record()
    assert (host / "results" / "record.json").exists()
    told = "08:00:03  offered 7/100  started 6  completed 4  failed 1  abandoned 1  1.2/s"
    assert told in out.getvalue()
    calls = (host / "systemctl.log").read_text()
    units = "klokken-master.service klokken-worker@1.service klokken-worker@2.service"
    assert f"start {units}" in calls
    assert f"stop {units}" in calls
    assert not (host / "runs" / plan().run).exists()
    assert list((host / "run").iterdir()) == []
    assert not (host / "pid").exists()


def test_the_log_of_writes_of_an_exam_comes_along(host: Path) -> None:
    ring(host)
    assert not (host / "results" / "writes.jsonl").exists()
    exam = storms.plan(100, seconds=4, profile=Profile.named("exam"))
    driver.ring(inventory(), exam, host / "results", out=io.StringIO())
    assert (host / "results" / "writes.jsonl").read_text() == "the log"


def test_the_units_are_told_the_only_addresses_they_may_send_to(host: Path) -> None:
    storm = driver.Storm(Remote.of(inventory())[0], plan(), io.StringIO())
    text = storm.environment(driver.edges(inventory()))
    values = dict(line.split("=", 1) for line in text.splitlines())
    assert values == {
        "KLOKKEN_PLAN": f"{host}/run/plan.json",
        "KLOKKEN_RUN_DIR": f"{host}/runs/{plan().run}",
        "KLOKKEN_ALLOWED": "198.18.0.71",
        "KLOKKEN_WORKERS": "2",
        "KLOKKEN_LOCUST_OPTIONS": "--headless --only-summary --expect-workers-max-wait 60",
    }


@pytest.mark.parametrize("mode", ["fail", "refuse"])
def test_a_unit_that_fails_is_shown_by_its_journal(
    host: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    monkeypatch.setenv("MODE", mode)
    with pytest.raises(MachineError) as failure:
        ring(host)
    assert ("cannot be read" if mode == "fail" else "master.service failed") in str(failure.value)
    assert "stop klokken-master.service" in (host / "systemctl.log").read_text()
    assert not (host / "pid").exists()


def test_an_interrupt_stops_the_units_and_clears_up(
    host: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(ProgressLine, "show", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ring(host)
    assert not (host / "pid").exists()
    assert not (host / "runs" / plan().run).exists()


def test_two_storms_at_once_are_refused_and_the_first_goes_on(host: Path) -> None:
    (host / "pid").write_text("0")
    with pytest.raises(MachineError, match="another storm"):
        ring(host)
    assert "stop" not in (host / "systemctl.log").read_text()


def test_a_host_that_cannot_be_reached_is_one_line(host: Path) -> None:
    (host / "bin" / "ssh").write_text("#!/bin/sh\necho 'Connection refused' >&2\nexit 255\n")
    with pytest.raises(MachineError, match=r"^loadgen1: `systemctl .*: Connection refused$"):
        ring(host)


def test_ssh_is_used_without_questions_and_with_the_inventorys_key(host: Path) -> None:
    assert Remote.of(inventory())[0].run(["echo", "a b", "$HOME;"]) == "a b $HOME;\n"
    command = (host / "ssh.log").read_text()
    for part in ("-i key", "BatchMode=yes", "ConnectTimeout=10", "UserKnownHostsFile=known"):
        assert part in command
    assert "-l root 198.18.0.11" in command


@pytest.mark.usefixtures("host")
def test_a_program_that_does_not_end_is_one_line() -> None:
    with pytest.raises(MachineError, match="no end after"):
        Remote.of(inventory())[0].run([sys.executable, "-c", "input()"], timeout=0.0)


@pytest.mark.usefixtures("host")
def test_a_file_that_is_missing_is_not_fetched(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="cannot be fetched"):
        Remote.of(inventory())[0].fetch("/no/such/file", tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_one_line_that_changes() -> None:
    out = Terminal()
    line = ProgressLine(plan(), out)
    assert [line.show(progress_line(n, done=n == 2)) for n in range(3)] == [False, False, True]
    assert out.getvalue().count("\n") == 1
    assert out.getvalue().count("\r") == 3


def test_elsewhere_a_line_comes_every_five_seconds_and_at_the_end() -> None:
    out = io.StringIO()
    line = ProgressLine(plan(), out)
    for second in range(13):
        line.show(progress_line(second, done=second == 12, dropped=3))
    shown = [text[:8] for text in out.getvalue().splitlines()]
    assert shown == ["08:00:00", "08:00:05", "08:00:10", "08:00:12"]
    assert "dropped 3" in out.getvalue()


@pytest.mark.parametrize("text", ["", '{"clock": "08:0', "[]", "{}", "null"])
def test_a_line_cut_short_is_passed_over(text: str) -> None:
    assert not ProgressLine(plan(), io.StringIO()).show(text)


def test_cpu_is_read_by_tier_and_group_with_gaps_where_there_are_none() -> None:
    series = [
        {
            "metric": {"tier": "identity", "groupname": "java"},
            "values": [[100, "1.5"], [105, "NaN"], [110, "0.5"]],
        },
        {"metric": {"tier": "edge", "groupname": "haproxy"}, "values": [[105, "0.1"]]},
    ]
    tiers = parsed({"data": {"result": series}}, 100.0, 112.0)
    assert tiers["identity"].groups == {"java": [1.5, None, 0.5]}
    assert tiers["edge"].groups == {"haproxy": [None, 0.1, None]}
    with pytest.raises(MachineError, match="another form"):
        parsed({"status": "error"}, 100.0, 112.0)


def test_versions_come_from_packages_and_from_what_roles_left(
    host: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dpkg = host / "bin" / "dpkg-query"
    dpkg.write_text('#!/bin/sh\necho "haproxy 3.0.11-1"\nexit 1\n')
    dpkg.chmod(0o755)
    (host / "keycloak.json").write_text('{"keycloak": "26.7.4"}\n')
    monkeypatch.setattr("klokken.telemetry.VERSIONS_FOLDER", str(host))
    (host / "record.json").unlink()
    found = versions(inventory())
    assert found["edge1 haproxy"] == "3.0.11-1"
    assert found["identity1 keycloak"] == "26.7.4"
