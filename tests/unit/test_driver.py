"""The driver against a host that is a folder: `ssh` and `systemctl` are small scripts there."""

from __future__ import annotations

import io
import os
import re
import signal
import sys
import time
import tracemalloc
from threading import Timer
from typing import TYPE_CHECKING

import pytest

from klokken.errors import InputError, MachineError
from klokken.inventory import Inventory
from klokken.profile import Profile
from klokken.remote import Remote
from klokken.results import Results, Verdict
from klokken.storm import driver, following, remains
from klokken.storm.progress import ProgressLine
from klokken.storm.stations import stations
from klokken.storm.units import Units
from klokken.telemetry import parsed, versions
from tests import storms
from tests.unit.site_of_folders import furnish, plan, progress_line
from tests.unit.test_plan import inventory
from tests.unit.test_verdict import record

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from klokken.record import Record

ONE, OTHER = "198.18.0.111", "198.18.0.112"


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have load generators that are folders of `tmp_path`."""
    furnish(tmp_path, monkeypatch)
    return tmp_path


@pytest.fixture
def pair(host: Path) -> Inventory:
    """Return a site of two load generators, which four workers ring."""
    assert host
    return two_generators()


def two_generators(**variables: object) -> Inventory:
    found = inventory().model_dump(mode="json")
    hosts = found["all"]["children"]["loadgen"]["hosts"]
    hosts["loadgen2"] = {"ansible_host": OTHER, "site_address": OTHER, **variables}
    return Inventory.model_validate(found)


def ring(host: Path, where: Inventory | None = None, **changes: object) -> str:
    """Ring the storm and return what was shown of it."""
    out = io.StringIO()
    driver.ring(where or inventory(), plan(**changes), host / "results", out=out)
    return out.getvalue()


def calls(host: Path, address: str = ONE) -> str:
    """Return what systemctl was asked for on a host."""
    return (host / address / "systemctl.log").read_text()


def nothing_is_left(host: Path, address: str = ONE) -> bool:
    folder = host / address
    left = [*(folder / "run").iterdir(), *(folder / "runs").iterdir()]
    return not left and not (folder / "pid").exists()


def test_a_storm_is_started_followed_fetched_and_cleared_up(host: Path) -> None:
    out = io.StringIO()
    found = driver.ring(inventory(), plan(), host / "results", out=out)
    assert found == record()
    assert (host / "results" / "record.json").exists()
    told = "08:00:03  offered 7/100  started 6  completed 4  failed 1  abandoned 1  1.2/s"
    assert told in out.getvalue()
    assert out.getvalue().startswith("peak ")
    units = "klokken-master.service klokken-worker@1.service klokken-worker@2.service"
    assert f"start {units}" in calls(host)
    assert f"stop {units}" in calls(host)
    assert nothing_is_left(host)
    left = {path.name for path in (host / "results").iterdir()}
    assert left == {"plan.json", "record.json"}


def test_the_log_of_writes_of_an_exam_comes_along(host: Path) -> None:
    ring(host)
    assert not (host / "results" / "writes.jsonl").exists()
    ring(host, profile=Profile.named("exam"))
    assert (host / "results" / "writes.jsonl").read_text() == "the log"


def test_the_units_are_told_the_only_addresses_they_may_send_to(host: Path) -> None:
    (station,) = stations(inventory(), 2)
    text = Units(station, plan(), master=True).environment(driver.edges(inventory()), web=False)
    values = dict(line.split("=", 1) for line in text.splitlines())
    assert values == {
        "KLOKKEN_PLAN": f"{host}/ADDRESS/run/plan.json",
        "KLOKKEN_RUN_DIR": f"{host}/ADDRESS/runs/{plan().run}",
        "KLOKKEN_ALLOWED": "198.18.0.71",
        "KLOKKEN_WORKERS": "2",
        "KLOKKEN_LOCUST_OPTIONS": "--headless --only-summary --expect-workers-max-wait 60",
    }


@pytest.mark.heavy
@pytest.mark.parametrize("mode", ["fail", "refuse"])
def test_a_unit_that_fails_is_shown_by_its_journal(
    host: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    monkeypatch.setenv("MODE", mode)
    with pytest.raises(MachineError) as failure:
        ring(host)
    assert ("cannot be read" if mode == "fail" else "master.service failed") in str(failure.value)
    assert "stop klokken-master.service" in calls(host)
    assert nothing_is_left(host)


def test_an_interrupt_stops_the_units_and_clears_up(
    host: Path, pair: Inventory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(ProgressLine, "show", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ring(host, pair, workers=4)
    assert nothing_is_left(host, ONE)
    assert nothing_is_left(host, OTHER)


def test_two_storms_at_once_are_refused_and_the_first_goes_on(host: Path) -> None:
    (host / ONE).mkdir()
    (host / ONE / "pid").write_text("0")
    with pytest.raises(MachineError, match=r"^loadgen1: another storm"):
        ring(host)
    assert "stop" not in calls(host)


def test_a_host_that_cannot_be_reached_is_one_line(
    host: Path, pair: Inventory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOWN", OTHER)
    with pytest.raises(MachineError, match=r"^loadgen2: cannot be reached: Connection refused$"):
        ring(host, pair)
    assert "start" not in calls(host)


def test_a_storm_is_rung_by_all_hosts_and_the_master_is_on_the_first(
    host: Path, pair: Inventory
) -> None:
    out = ring(host, pair, workers=3)
    assert "1 worker would do; 3 used on 2 hosts, from 2 source addresses\n" in out
    assert "  source addresses: 1 = " in out
    first = "klokken-master.service klokken-worker@1.service klokken-worker@2.service"
    assert f"start {first}\n" in calls(host, ONE)
    assert "start klokken-worker@1.service\n" in calls(host, OTHER)
    assert "stop klokken-worker@1.service\n" in calls(host, OTHER)
    assert nothing_is_left(host, ONE)
    assert nothing_is_left(host, OTHER)


def test_a_host_whose_units_do_not_start_ends_the_storm_on_all(
    host: Path, pair: Inventory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODE", "refuse")
    monkeypatch.setenv("ON", OTHER)
    with pytest.raises(MachineError, match=r"^loadgen2: "):
        ring(host, pair, workers=4)
    assert nothing_is_left(host, ONE)
    assert nothing_is_left(host, OTHER)


def test_a_clock_that_is_another_is_one_line_before_the_start(
    host: Path, pair: Inventory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AHEAD", OTHER)
    with pytest.raises(MachineError, match=r"^loadgen2: its clock is \d+ ms ahead") as told:
        ring(host, pair, workers=4)
    assert "\n" not in str(told.value)
    assert "start" not in calls(host)


def test_workers_send_from_every_address_of_their_own_host(
    host: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = two_generators(loadgen_addresses=["198.18.0.201"])
    with pytest.raises(MachineError, match=r"^loadgen2: has no address 198.18.0.201; run"):
        ring(host, site, workers=4)
    monkeypatch.setenv("FURTHER", "198.18.0.201")
    one, other = stations(site, 4)
    text = Units(other, plan(), master=False).environment([], web=False)
    assert f"KLOKKEN_SOURCES={OTHER},198.18.0.201\n" in text
    assert "KLOKKEN_SOURCES" not in Units(one, plan(), master=True).environment([], web=False)


def test_a_storm_that_would_outlast_its_units_is_refused(
    host: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIMIT", "1min")
    with pytest.raises(MachineError, match=r"^loadgen1: .* after 60 s; raise `loadgen_storm_l"):
        ring(host)


def test_a_rate_that_the_workers_cannot_give_is_refused(host: Path) -> None:
    many = storms.plan(100_000, seconds=4, pupils=1_000_000)
    with pytest.raises(InputError, match=r"^storm: workers: 2 would use .* give \d+ workers"):
        driver.ring(inventory(), many, host / "results", out=io.StringIO())


@pytest.mark.heavy
def test_a_lost_master_leaves_the_record_of_what_was_heard(
    host: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LASTS", "3")
    monkeypatch.setenv("RESULT", "signal")
    (host / "progress.jsonl").write_text(progress_line(2) + "\n")
    out = io.StringIO()
    found = driver.ring(inventory(), plan(), host / "results", out=out)
    assert found.cut_short == "the master was lost after 2 s of 34: its unit ended by signal"
    assert sum(found.seconds.completed) == 1
    assert found.dropped == {"worker lost": 99}
    assert "made of what was heard" in out.getvalue()
    assert nothing_is_left(host)


@pytest.mark.heavy
def test_a_master_lost_before_the_opening_leaves_nothing(
    host: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LASTS", "1")
    for name in ("progress.jsonl", "journal.jsonl"):
        (host / name).write_text("")
    with pytest.raises(MachineError, match="ended without a result"):
        ring(host)


def written(host: Path, name: str, text: str) -> None:
    """Have the master write to a file of its run."""
    with (host / ONE / "runs" / plan().run / name).open("a") as file:
        file.write(text)


def ring_while(host: Path, happens: Callable[[], None]) -> tuple[Record, str]:
    """Ring a storm whose master does not say that it is over; something `happens` meanwhile."""
    (host / "progress.jsonl").write_text(progress_line(2) + "\n")
    out = io.StringIO()

    def opened(_: float) -> None:
        happens()

    found = driver.ring(inventory(), plan(), host / "results", out=out, opened=opened)
    return found, out.getvalue()


def test_a_progress_that_breaks_off_does_not_end_its_storm(
    host: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DROPS", "progress.jsonl")

    def ends() -> None:
        written(host, "progress.jsonl", progress_line(3, done=True) + "\n")

    found, said = ring_while(host, ends)
    assert found == record()
    assert said.count("08:00:02") == 1
    assert "08:00:03" in said


def test_a_progress_that_is_silent_is_asked_for_anew(
    host: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANGS", "progress.jsonl")
    found = driver.ring(inventory(), plan(), host / "results", out=io.StringIO())
    assert found == record()


def test_a_master_that_ended_unseen_has_a_result(
    host: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DROPS", "progress.jsonl")

    def ends() -> None:
        written(host, "progress.jsonl", progress_line(3, done=True) + "\n")
        (host / ONE / "pid").unlink()

    monkeypatch.setenv("LASTS", "5")
    assert ring_while(host, ends)[0] == record()


def test_a_host_that_is_out_of_reach_for_a_moment_does_not_end_its_storm(
    host: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DROPS", "progress.jsonl")

    def comes_back() -> None:
        monkeypatch.setenv("DOWN", "")
        written(host, "progress.jsonl", progress_line(3, done=True) + "\n")

    def goes() -> None:
        monkeypatch.setenv("DOWN", ONE)
        Timer(0.5, comes_back).start()

    assert ring_while(host, goes)[0] == record()


@pytest.mark.heavy
def test_a_journal_that_broke_off_on_its_way_is_fetched_whole(
    host: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DROPS", "journal.jsonl")
    monkeypatch.setenv("RESULT", "signal")
    shared, heard = (host / "journal.jsonl").read_text().splitlines(keepends=True)
    (host / "journal.jsonl").write_text(shared)

    def dies() -> None:
        copied(host, len(shared))
        written(host, "journal.jsonl", heard)
        killed(host)

    found, said = ring_while(host, dies)
    assert found.cut_short == "the master was lost after 2 s of 34: its unit ended by signal"
    assert sum(found.seconds.completed) == 1
    assert "stays" not in said
    assert nothing_is_left(host)


@pytest.mark.heavy
def test_a_journal_that_cannot_be_fetched_stays_where_it_is_longer(
    host: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DROPS", "journal.jsonl")
    shared, heard = (host / "journal.jsonl").read_text().splitlines(keepends=True)
    (host / "journal.jsonl").write_text(shared)
    (host / "record.json").unlink()

    def dies() -> None:
        copied(host, len(shared))
        (host / "results" / "journal.jsonl.part").symlink_to("/dev/full")
        written(host, "journal.jsonl", heard)
        killed(host)

    found, said = ring_while(host, dies)
    there = host / ONE / "runs" / plan().run
    stays = f"; what else the master heard stays on loadgen1, in {host}/ADDRESS/runs/{plan().run}"
    assert found.cut_short.endswith(stays)
    assert stays in said
    assert (there / "journal.jsonl").read_text() == shared + heard
    assert remains.reported(there) == there / "report.html"
    assert Results.read(there / "results.json").completed == 1


@pytest.mark.heavy
def test_a_host_that_stays_out_of_reach_keeps_what_its_master_heard(
    host: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DROPS", "progress.jsonl")
    monkeypatch.setenv("LASTS", "5")
    monkeypatch.setattr(following, "OUT_OF_REACH", 0.0)

    def goes() -> None:
        copied(host, (host / "journal.jsonl").stat().st_size)
        monkeypatch.setenv("DOWN", ONE)

    found, said = ring_while(host, goes)
    assert sum(found.seconds.completed) == 1
    assert "loadgen1: cannot be reached" in found.cut_short
    assert "stays on loadgen1" in found.cut_short
    assert "not cleared up: loadgen1" in said


def copied(host: Path, size: int) -> None:
    """Wait until so many bytes of the journal are here."""
    end = time.monotonic() + 20
    while (host / "results" / "journal.jsonl").stat().st_size < size:
        assert time.monotonic() < end
        time.sleep(0.05)


def killed(host: Path) -> None:
    """Kill the master."""
    os.kill(int((host / ONE / "pid").read_text()), signal.SIGKILL)


@pytest.mark.heavy
def test_a_full_disk_here_leaves_the_record_there(host: Path) -> None:
    (host / "results").mkdir()
    (host / "results" / "record.json.part").symlink_to("/dev/full")
    found = driver.ring(inventory(), plan(), host / "results", out=io.StringIO())
    there = host / ONE / "runs" / plan().run
    assert found.seconds == record().seconds
    assert re.search(r"No space left .* stays on loadgen1, in .*/runs/", found.cut_short)
    assert (there / "record.json").exists()
    assert not (host / ONE / "pid").exists()
    # A copy of it is all that a report needs.
    assert remains.reported(there) == there / "report.html"
    assert Results.read(there / "results.json").verdict is Verdict.PASS


def test_a_host_that_is_gone_at_the_end_is_told(
    host: Path, pair: Inventory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_: object) -> None:
        monkeypatch.setenv("DOWN", OTHER)

    out = io.StringIO()
    driver.ring(pair, plan(workers=4), host / "results", out=out, opened=gone)
    assert "not cleared up: loadgen2: " in out.getvalue()
    assert nothing_is_left(host, ONE)


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
def test_a_file_larger_than_memory_is_fetched_in_pieces(tmp_path: Path) -> None:
    source, size = tmp_path / "source", 64 * 2**20
    with source.open("wb") as file:
        file.truncate(size)
    (remote, *_) = Remote.of(inventory())
    tracemalloc.start()
    try:
        remote.fetch(str(source), tmp_path / "copy")
        assert tracemalloc.get_traced_memory()[1] < size / 8
    finally:
        tracemalloc.stop()
    assert (tmp_path / "copy").stat().st_size == size
    assert remote.size(str(source)) == size


@pytest.mark.usefixtures("host")
def test_a_larger_file_may_take_longer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (remote, *_) = Remote.of(inventory())
    (tmp_path / "bin" / "cat").write_text('#!/bin/sh\nsleep 0.5\nexec /bin/cat "$@"\n')
    (tmp_path / "bin" / "cat").chmod(0o755)
    (tmp_path / "source").write_bytes(bytes(1000))
    with pytest.raises(MachineError, match=r"source cannot be fetched: no end after 0 s"):
        remote.fetch(str(tmp_path / "source"), tmp_path / "copy", timeout=0.1)
    assert not (tmp_path / "copy").exists()
    monkeypatch.setattr("klokken.remote.FETCHED_PER_SECOND", 10)
    remote.fetch(str(tmp_path / "source"), tmp_path / "copy", timeout=0.1)
    assert (tmp_path / "copy").read_bytes() == bytes(1000)


@pytest.mark.usefixtures("host")
def test_a_file_that_is_missing_is_not_fetched(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="cannot be fetched"):
        Remote.of(inventory())[0].fetch("/no/such/file", tmp_path / "copy")
    assert not list(tmp_path.glob("copy*"))


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


def test_versions_of_a_host_without_any_of_the_packages_are_those_that_roles_left(
    host: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dpkg = host / "bin" / "dpkg-query"
    dpkg.write_text("#!/bin/sh\nexit 1\n")
    dpkg.chmod(0o755)
    (host / "drive.json").write_text('{"ocis": "2.0.0 (module)"}\n')
    monkeypatch.setattr("klokken.telemetry.VERSIONS_FOLDER", str(host))
    (host / "record.json").unlink()
    found = versions(inventory())
    assert set(found.values()) == {"2.0.0 (module)"}
    assert {name.partition(" ")[2] for name in found} == {"ocis"}
