"""The benchmark of directories: what it compares, in which order, and what it makes of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from benchmarks import probing
from benchmarks.directory.__main__ import steps_of
from benchmarks.directory.cells import Cell, cells
from benchmarks.directory.document import document, growth, table
from benchmarks.directory.measurement import BLOCK, ROUNDS, Measurement, sample
from benchmarks.directory.outcome import Block, Comparison, figures
from benchmarks.facts import publish
from klokken.errors import InputError, MachineError
from klokken.inventory import Group, Inventory
from klokken.remote import Remote
from klokken.topology import Tier
from loadtests.probe import Order, Told
from tests import storms
from tests.unit.test_plan import inventory, one


def stack(**variables: Any) -> Inventory:
    lab = inventory()
    hosts = {name: one("198.18.0.51", **own) for name, own in variables.items()}
    groups = {**lab.all.children, Tier.DRIVE: Group(hosts=hosts)}
    return lab.model_copy(update={"all": lab.all.model_copy(update={"children": groups})})


def test_it_compares_a_cell_with_slapd_and_one_with_the_embedded_directory() -> None:
    found = cells(stack(drive1={}, drive2={"drive_directory": "embedded"}))
    assert [(c.number, c.directory, c.host.name) for c in found] == [
        (1, "slapd", "drive1"),
        (2, "embedded", "drive2"),
    ]


@pytest.mark.parametrize("hosts", [{"drive1": {}}, {"drive1": {}, "drive2": {}}])
def test_a_stack_without_both_directories_is_told_what_to_configure(hosts: Any) -> None:
    with pytest.raises(InputError, match=r"drive2: \{drive_directory: embedded\}") as refused:
        cells(stack(**hosts))
    assert "\n" not in str(refused.value)


class Ledger:
    """A site in which every request costs its cell CPU, and idling costs a hundredth core."""

    def __init__(self) -> None:
        self.now = 0.0
        self.cpu = {1: 5.0, 2: 5.0}
        self.people: dict[int, set[int]] = {1: set(), 2: set()}
        self.orders: list[Order] = []
        self.lines: list[str] = []

    def ask(self, order: Order) -> Told:
        self.orders.append(order)
        self.sleep(0.5)
        if order.do != "sign_in":
            self.cpu[order.cell] += 0.01 * order.cell * len(order.accounts)
            self.people[order.cell] |= set(order.accounts)
        return Told(seconds=[0.02] * len(order.accounts), causes={})

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        for number in self.cpu:
            self.cpu[number] += 0.01 * seconds

    def measure(self, steps: list[int], ends: float = 1e9) -> list[Block]:
        both = [_Cell(self, 1, "slapd"), _Cell(self, 2, "embedded")]
        running = Measurement(
            both, self.ask, ends, self.lines.append, clock=lambda: self.now, sleep=self.sleep
        )
        return list(running.run(steps))


class _Cell(Cell):
    __slots__ = ("ledger",)
    ledger: Ledger

    def __init__(self, ledger: Ledger, number: int, directory: str) -> None:
        host = Remote(f"drive{number}", "", Path("key"), "")
        super().__init__(number, directory, host)
        object.__setattr__(self, "ledger", ledger)

    def cpu_seconds(self) -> float:
        return self.ledger.cpu[self.number]

    def accounts(self) -> int:
        return len(self.ledger.people[self.number])


@pytest.fixture(scope="module")
def blocks() -> list[Block]:
    return Ledger().measure([100, 250])


def test_the_cpu_of_a_request_is_told_less_what_the_idle_cell_uses(blocks: list[Block]) -> None:
    for block in blocks:
        expected = 0.01 * (1 + (block.directory == "embedded"))
        assert block.cpu_seconds / block.sent == pytest.approx(expected)
        assert block.idle_cores == pytest.approx(0.01)


def test_accounts_are_made_once_each_at_both_cells(blocks: list[Block]) -> None:
    made = [b for b in blocks if b.request == "first_login"]
    for directory in ("slapd", "embedded"):
        mine = [(b.step, b.sent) for b in made if b.directory == directory]
        assert mine == [(100, 100), (250, 100), (250, 50)]


def test_the_cells_take_turns_in_going_first(blocks: list[Block]) -> None:
    drives = [b.directory for b in blocks if b.request == "drives" and b.step == 100]
    assert drives == ["slapd", "embedded", "embedded", "slapd", "slapd", "embedded"]
    assert len(drives) == 2 * ROUNDS


def test_an_account_that_had_been_there_is_no_first_login() -> None:
    ledger = Ledger()
    ledger.people[2] = {5}
    found = ledger.measure([100])
    assert {b.directory for b in found if b.request == "first_login"} == {"slapd"}
    assert any("there before" in line for line in ledger.lines)


def test_it_ends_when_time_is_up() -> None:
    ledger = Ledger()
    found = ledger.measure([100, 1000], ends=20.0)
    assert {b.step for b in found} == {100}
    assert ledger.lines[-1] == "time is up"


def test_a_cell_whose_logins_fail_ends_it() -> None:
    class Broken(Ledger):
        def ask(self, order: Order) -> Told:
            super().ask(order)
            return Told(seconds=[], causes={"first_login: 500": 100})

    with pytest.raises(MachineError, match="100 first logins failed"):
        Broken().measure([100])


@pytest.mark.parametrize("people", [10, 40, 100, 3000])
def test_who_is_asked_is_spread_over_all_accounts(people: int) -> None:
    found = sample(people)
    assert len(set(found)) == len(found) == min(BLOCK, people)
    assert found[0] == 0
    assert people - people // len(found) - 1 <= found[-1] < people


def comparison(blocks: list[Block]) -> Comparison:
    moment = datetime(2026, 11, 22, 8, tzinfo=UTC)
    return Comparison(
        stack="lab",
        started=moment,
        finished=moment.replace(hour=9),
        machine=storms.storm().machine,
        versions={"drive1 slapd": "2.6.10"},
        accounts_before={"slapd": 7, "embedded": 0},
        steps=[100, 250],
        blocks=blocks,
    )


def test_figures_are_medians_with_their_range() -> None:
    def block(cpu: float, *seconds: float) -> Block:
        return Block(
            step=100,
            request="put",
            directory="slapd",
            accounts=100,
            sent=4,
            cpu_seconds=cpu,
            idle_cores=0,
            seconds=list(seconds),
            causes={},
        )

    found = figures(
        comparison([block(0.04, 0.1, 0.2), block(0.08, 0.3), block(0.4, 9)]), 100, "put", "slapd"
    )
    assert found is not None
    assert (found.cpu, found.cpu_least, found.cpu_most) == (20, 10, 100)
    assert (found.p50, found.p95, found.sent, found.failed) == (250, 9000, 12, 8)
    assert figures(comparison([]), 100, "put", "slapd") is None


def test_the_table_has_a_row_for_each_request_at_each_step(blocks: list[Block]) -> None:
    rows = table(comparison(blocks)).splitlines()
    assert len(rows) == 2 + 5 * 2
    assert rows[2] == (
        "| first login | 100 | 10.0 (10.0 to 10.0) | 20.0 (20.0 to 20.0) | 20 / 20 | 20 / 20 |"
        " 0 of 100 / 0 of 100 |"
    )
    assert len({row.count("|") for row in rows}) == 1


def test_the_page_says_where_when_and_how_and_everything_is_beside_it(
    blocks: list[Block], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.facts.DOCUMENTS", tmp_path)
    found = comparison(blocks)
    page = publish("directory", document(found), found).read_text(encoding="utf-8")
    assert "7 with slapd, 0 with embedded accounts" in page
    assert "--stack lab --steps 100,250" in page
    assert "- drive1 slapd: 2.6.10" in page
    assert "22 November 2026, 60 minutes" in page
    assert growth(found)[0] == "- first login: 1.0 times with slapd, 1.0 times with embedded"
    kept = Comparison.model_validate(json.loads((tmp_path / "directory.json").read_text()))
    assert kept == found


def test_steps_are_rising_numbers() -> None:
    assert steps_of("100,500") == [100, 500]
    for wrong in ("", "500,100", "a", "0,5", "5,5", "1.5"):
        with pytest.raises(InputError, match="rising numbers"):
            steps_of(wrong)


ECHO = """
import sys
sys.stdin.readline()
for line in iter(sys.stdin.readline, ""):
    print('{"seconds": [0.5], "causes": {}}' if '"put"' in line else "odd", flush=True)
    if '"get"' in line: sys.exit("it broke")
"""


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Remote:
    ssh = tmp_path / "ssh"
    ssh.write_text('#!/bin/sh\nfor last; do :; done\nexec sh -c "$last"\n')
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return Remote("loadgen1", "198.18.0.111", Path("key"), "")


def test_a_probe_is_given_orders_one_by_one(host: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "ARGV", [sys.executable, "-c", ECHO])
    with probing.probing(host, storms.plan(1), [], limit=30) as ask:
        for _ in range(3):
            assert ask(Order(do="put", accounts=[1])).seconds == [0.5]
        with pytest.raises(MachineError, match="loadgen1: the probe says b'odd"):
            ask(Order(do="home", accounts=[1]))


def test_a_probe_that_breaks_is_one_line(host: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "ARGV", [sys.executable, "-c", "raise SystemExit('no module')"])
    with (
        pytest.raises(MachineError, match="loadgen1: the probe ended: no module"),
        probing.probing(host, storms.plan(1), [], limit=30) as ask,
    ):
        ask(Order(do="put", accounts=[1]))


def test_a_probe_that_hangs_is_ended(host: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "ARGV", ["exec", "sleep", "20"])
    with (
        pytest.raises(MachineError, match="out of time"),
        probing.probing(host, storms.plan(1), [], limit=0.3) as ask,
    ):
        ask(Order(do="put", accounts=[1]))


def test_the_cpu_of_drive_and_directory_is_read_on_their_host(host: Remote, tmp_path: Path) -> None:
    shutil.copy("/bin/sleep", tmp_path / "slapd")
    with subprocess.Popen([tmp_path / "slapd", "30"]) as slapd:
        assert Cell(1, "slapd", host).cpu_seconds() >= 0
        slapd.kill()


@pytest.mark.parametrize(
    ("said", "problem"), [("0 0\n100", "no drive runs there"), ("what", r"says \['what'\]")]
)
def test_a_host_without_a_drive_is_one_line(
    host: Remote, tmp_path: Path, said: str, problem: str
) -> None:
    (tmp_path / "ssh").write_text(f"#!/bin/sh\necho '{said}'\n")
    with pytest.raises(MachineError, match=f"loadgen1: {problem}"):
        Cell(1, "slapd", host).cpu_seconds()


def test_accounts_are_counted_by_the_spaces_they_have(
    host: Remote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("klokken.capacity.measure.accounts._SPACES", str(tmp_path / "personal"))
    assert Cell(1, "slapd", host).accounts() == 0
    for number in range(3):
        (tmp_path / "personal" / str(number)).mkdir(parents=True)
    assert Cell(1, "slapd", host).accounts() == 3
