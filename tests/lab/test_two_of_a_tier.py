"""Two load generators and two Keycloaks, and what becomes of a storm in whose middle one dies."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from klokken.errors import Exit
from klokken.loadgen import MASTER, RUNS, worker
from klokken.paths import PROJECT, RESULTS
from klokken.stackconfig import config_path
from stacks.lab.container import wait_until
from tests.lab.laboratory import STACK
from tests.lab.stack import BRIEF_WARM_UP, KLOKKEN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.lab.laboratory import Lab

pytestmark = pytest.mark.timeout(1800)
STORM = (KLOKKEN, "storm", "minute", "--fraction", "0.5", "--until", "08:00:20", "--stack", STACK)
BOTH = ("loadgen1", "loadgen2")
KEYCLOAKS = ("identity1", "identity2")
# Further addresses, behind those of all hosts.
SOURCES = {"loadgen1": "198.18.7.131", "loadgen2": "198.18.7.132"}
# Prints how many nodes a Keycloak sees, itself among them.
SHOWS_THE_MEMBERS = r"""
import re, urllib.request
metrics = urllib.request.urlopen("http://127.0.0.1:9000/metrics").read().decode()
print(*{float(size) for size in re.findall(r"cluster_size\{[^}]*\} (\S+)", metrics)})
"""


@pytest.fixture(scope="session")
def pair(lab: Lab) -> Lab:
    """Give the lab a second Keycloak and load generator, and both of these a second address."""
    site = yaml.safe_load(config_path(STACK).read_text())["config"]["klokken:site"]
    hosts = {name: {"loadgen_addresses": [address]} for name, address in SOURCES.items()}
    site["tiers"]["loadgen"] = {"count": 2, "hosts": hosts}
    site["tiers"]["identity"] = {"count": 2, "variables": BRIEF_WARM_UP}
    lab.configure(site=site)
    lab.up()
    return lab


class Ringing:
    """A storm that is being rung; after it, its exit code, what it said and its results."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.said = ""
        self.process = process
        self.before = set(RESULTS.glob("*"))
        self.results: dict[str, Any] = {}
        self.folder: Path = RESULTS

    def begun(self) -> None:
        """Wait until pupils have started."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said += line
            if re.search(r"started [1-9]", line):
                return
        raise AssertionError(f"the storm did not begin:\n{self.said}")

    def end(self) -> None:
        """Wait for its end, and read what it left."""
        said, _ = self.process.communicate(timeout=300)
        self.said += said
        (self.folder,) = set(RESULTS.glob("*")) - self.before
        self.results = json.loads((self.folder / "results.json").read_text())


@contextmanager
def ringing() -> Iterator[Ringing]:
    """Ring a storm, and see it begin and end."""
    with subprocess.Popen(
        STORM, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        storm = Ringing(process)
        storm.begun()
        yield storm
        storm.end()


def assert_cut(storm: Ringing, reason: str) -> None:
    """Fail unless the storm is INVALID for this reason, and what it knows adds up and is shown."""
    found = storm.results
    assert storm.process.returncode == Exit.INVALID, storm.said
    assert found["verdict"] == "INVALID"
    assert [line for line in found["invalid_because"] if re.search(reason, line)], found
    assert not [line for line in found["invalid_because"] if "add up" in line]
    assert found["offered"] == found["plan"]["offered"]
    assert 0 < found["completed"] < found["offered"]
    assert "UGYLDIG" in (storm.folder / "report.html").read_text()


def assert_cleared_up(lab: Lab, *hosts: str) -> None:
    """Fail where a storm has left something on a host."""
    for host in hosts:
        assert lab.ssh(host, f"ls {RUNS}").split() == []
        assert lab.ssh(host, "ls /run/klokken 2>/dev/null || true").split() == []
        units = f"{MASTER} 'klokken-worker@*'"
        listed = lab.ssh(host, f"systemctl list-units --plain --no-legend --state=active {units}")
        assert listed.strip() == ""


def test_a_storm_is_rung_by_both_hosts_from_all_their_addresses(pair: Lab) -> None:
    with ringing() as storm:
        pass
    assert storm.results["completed"] == storm.results["offered"] > 80
    record = json.loads((storm.folder / "record.json").read_text())
    assert {line["name"].partition("_")[0] for line in record["workers"]} == set(BOTH)
    assert "used on 2 hosts" in storm.said
    for address in SOURCES.values():
        seen = f"journalctl -u haproxy -o cat --since=-3min | grep -c '^{address}:' || true"
        assert int(pair.ssh("edge1", seen)) > 0
    assert_cleared_up(pair, *BOTH)


@pytest.mark.parametrize("host", KEYCLOAKS)
def test_two_keycloaks_know_each_other(pair: Lab, host: str) -> None:
    shown = pair.ssh(host, "python3 -", stdin=SHOWS_THE_MEMBERS)
    assert shown.split() == ["2.0"]


def test_logins_go_on_when_one_of_two_keycloaks_is_killed(pair: Lab) -> None:
    with ringing() as storm:
        pair.ssh("identity1", "pkill -KILL -x java")
    # Those whose request was at the dead one then come again, or fail.
    assert storm.results["completed"] >= 0.95 * storm.results["offered"]
    assert wait_until(lambda: pair.klokken("check", STACK).returncode == 0, 300)


def test_a_worker_that_is_killed_is_lost_with_its_pupils_alone(pair: Lab) -> None:
    with ringing() as storm:
        pair.ssh("loadgen2", f"systemctl kill -s KILL {worker(1)}")
    assert_cut(storm, r"1 of \d workers were lost")
    assert_cleared_up(pair, *BOTH)


def test_a_worker_that_is_stopped_says_what_its_pupils_missed(pair: Lab) -> None:
    with ringing() as storm:
        pair.ssh("loadgen2", f"systemctl stop {worker(1)}")
    assert_cut(storm, "workers were stopped before the storm was over")
    assert_cleared_up(pair, *BOTH)


def test_a_master_that_is_killed_leaves_what_it_had_heard(pair: Lab) -> None:
    with ringing() as storm:
        pair.ssh("loadgen1", f"systemctl kill -s KILL {MASTER}")
    assert_cut(storm, r"the master was lost after \d+ s of \d+: its unit ended by signal")
    assert_cleared_up(pair, *BOTH)


def test_a_connection_that_breaks_off_does_not_end_the_storm(pair: Lab) -> None:
    with ringing() as storm:
        # What follows progress and journal.
        pair.ssh("loadgen1", "pkill -x tail")
    assert storm.results["completed"] == storm.results["offered"] > 80
    assert storm.results["generator"]["cut_short"] == ""
    assert_cleared_up(pair, *BOTH)


def test_a_master_that_is_killed_unheard_leaves_what_it_had_heard(pair: Lab) -> None:
    with ringing() as storm:
        pair.ssh("loadgen1", f"pkill -x tail; sleep 5; systemctl kill -s KILL {MASTER}")
    assert_cut(storm, r"the master was lost after \d+ s of \d+: its unit ended by signal$")
    # The journal as it was copied ends where the connection did; the master heard more.
    began, heard = (datetime.fromisoformat(storm.results[k]) for k in ("started", "finished"))
    assert (heard - began).total_seconds() > 4
    assert_cleared_up(pair, *BOTH)


def test_a_master_that_is_restarted_does_not_ring_twice(pair: Lab) -> None:
    with ringing() as storm:
        pair.ssh("loadgen1", f"systemctl restart {MASTER} || true")
    assert_cut(storm, r"the master was (stopped|lost) after \d+ s of \d+")
    assert_cleared_up(pair, *BOTH)


def test_a_disk_that_fills_up_ends_the_storm_and_the_rest_is_kept(pair: Lab) -> None:
    pair.ssh("loadgen1", f"mount -t tmpfs -o size=200m,mode=0777 tmpfs {RUNS}")
    try:
        with ringing() as storm:
            pair.ssh("loadgen1", f"cat /dev/zero > {RUNS}/all 2>/dev/null || rm -f {RUNS}/none")
    finally:
        pair.ssh("loadgen1", f"umount {RUNS}")
    assert_cut(storm, r"the master was lost after .*cannot be written \(No space left on device\)")
    assert_cleared_up(pair, *BOTH)


def test_a_disk_that_fills_up_here_leaves_the_record_on_the_first_host(
    pair: Lab, tmp_path: Path
) -> None:
    RESULTS.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", RESULTS], check=True)
    try:
        with subprocess.Popen(
            STORM, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            storm = Ringing(process)
            storm.begun()
            fill = f"cat /dev/zero > {RESULTS}/all"
            subprocess.run(["sh", "-c", fill], stderr=subprocess.DEVNULL, check=False)
            storm.said += process.communicate(timeout=300)[0]
    finally:
        subprocess.run(["umount", RESULTS], check=True)
    assert process.returncode == Exit.INVALID, storm.said
    stays = rf"No space left on device\); what was recorded stays on loadgen1, in ({RUNS}/\S+)"
    found = re.search(stays, storm.said)
    assert found, storm.said
    try:
        for name in ("plan.json", "record.json"):
            (tmp_path / name).write_text(pair.ssh("loadgen1", f"cat {found[1]}/{name}"))
    finally:
        pair.ssh("loadgen1", f"rm -rf {found[1]}")
    assert pair.klokken("report", str(tmp_path)).returncode == 0
    made = json.loads((tmp_path / "results.json").read_text())
    assert made["completed"] == made["offered"] > 80
    assert_cleared_up(pair, *BOTH)


def test_a_disk_that_is_full_before_is_one_line(pair: Lab) -> None:
    pair.ssh("loadgen1", f"mount -t tmpfs -o size=1m,mode=0777 tmpfs {RUNS}")
    try:
        done = pair.klokken(*STORM[1:])
    finally:
        pair.ssh("loadgen1", f"umount {RUNS}")
    assert done.returncode == Exit.MACHINE
    assert re.search(
        rf"^klokken: loadgen1: the run needs \d+ MB in {RUNS} and 1 MB are",
        done.stdout,
        re.MULTILINE,
    )
    assert_cleared_up(pair, *BOTH)


def test_a_whole_host_that_is_lost_is_told_and_the_rest_goes_on(pair: Lab) -> None:
    with ringing() as storm:
        # Its first process takes all others with it.
        nspawn = pair.record("loadgen2", "process.json")["pid"]
        first = Path(f"/proc/{nspawn}/task/{nspawn}/children").read_text().split()[0]
        os.kill(int(first), signal.SIGKILL)
    assert_cut(storm, r"\d of \d workers were lost")
    assert "not cleared up: loadgen2: " in storm.said
    assert_cleared_up(pair, "loadgen1")
    pair.up()
    assert_cleared_up(pair, *BOTH)


def test_ctrl_c_stops_the_workers_of_all_hosts(pair: Lab) -> None:
    # A test run in the background ignores Ctrl-C, and so would its children.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    before = set(RESULTS.glob("*"))
    with subprocess.Popen(
        STORM, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        Ringing(process).begun()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=120)
    assert process.returncode == Exit.MACHINE
    assert set(RESULTS.glob("*")) == before
    assert_cleared_up(pair, *BOTH)
