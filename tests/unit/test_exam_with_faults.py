from __future__ import annotations

import io
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klokken import writes
from klokken.audit import run as audits
from klokken.errors import Exit, InputError, MachineError
from klokken.faults import exam as exams
from klokken.faults.exam import Exam
from klokken.faults.injection import Happened, Injection
from klokken.faults.kinds import KINDS, parse
from klokken.faults.outcome import Faults, exit_code, faults, handed_in, table
from klokken.faults.recovery import STEADY_SECONDS, STEADY_SHARE, back_after
from klokken.faults.schedule import Schedule
from klokken.results import Verdict
from klokken.storm import driver
from tests import storms
from tests.unit.site_of_folders import plan
from tests.unit.test_audit_verdict import found, judged, write
from tests.unit.test_driver import host
from tests.unit.test_faults import inventory
from tests.unit.test_latecomers import login
from tests.unit.test_plan import inventory as lab

if TYPE_CHECKING:
    import threading

    from klokken.logins import Login
    from klokken.writes import Write

__all__ = ["host"]
ENDED = 1000.0
HANDED_IN = [write(kind="handin")]
AUDIT = judged(HANDED_IN, found("a"))
LOST = judged(HANDED_IN, found(None))
UNREAD = judged(HANDED_IN)
MISSING = judged([write()], found("a"))
NOTHING = judged([])


def sent(
    at: float, outcome: str = "acknowledged", cell: int = 1, wait: float = 0.1, **more: Any
) -> Write:
    told = at + wait if outcome == "acknowledged" else None
    return write(outcome=outcome, sent=at, cell=cell, acknowledged=told, **more)


def every_second(fails_until: float, cell: int = 1) -> list[Write]:
    outcomes = ((at, "refused" if at < fails_until else "acknowledged") for at in range(990, 1060))
    return [sent(at, outcome, cell) for at, outcome in outcomes]


@given(st.integers(1000, 1050))
def test_service_is_back_when_writes_are_acknowledged_again(until: int) -> None:
    assert back_after(every_second(until), ENDED, 1) == pytest.approx(until - ENDED + 0.1)


logs = st.lists(
    st.builds(
        sent,
        st.floats(990, 1060),
        st.sampled_from(["acknowledged", "refused", "unknown"]),
        st.sampled_from([1, 2]),
        st.floats(0, 25),
    ),
    max_size=40,
)


@given(logs)
def test_service_is_never_back_before_the_end_nor_without_a_steady_stretch(
    log: list[Write],
) -> None:
    back = back_after(log, ENDED, 1)
    after = [w for w in log if w.cell == 1 and w.sent >= ENDED]
    steady = [
        w.acknowledged
        for w in after
        if w.acknowledged is not None
        and (during := [o for o in after if w.sent <= o.sent <= w.sent + STEADY_SECONDS])
        and sum(o.outcome == "acknowledged" for o in during) >= STEADY_SHARE * len(during)
    ]
    if not steady:
        assert back is None
    else:
        assert back == min(steady) - ENDED >= 0


@given(logs)
def test_every_cell_is_back_only_when_the_last_of_them_is(log: list[Write]) -> None:
    each = [back_after(log, ENDED, cell) for cell in {w.cell for w in log}]
    whole = back_after(log, ENDED)
    assert whole == (None if not each or None in each else max(t for t in each if t is not None))


@given(logs, st.randoms())
def test_the_order_of_lines_is_no_matter(log: list[Write], chance: Any) -> None:
    assert back_after(chance.sample(log, len(log)), ENDED) == back_after(log, ENDED)


def test_an_answer_that_came_late_does_not_make_an_outage_look_short() -> None:
    assert back_after([sent(1000, wait=25)], ENDED, 1) == 25


def test_a_share_of_failures_below_five_percent_is_service() -> None:
    log = [sent(1000 + n / 20, "unknown" if n == 50 else "acknowledged") for n in range(100)]
    assert back_after(log, ENDED, 1) == pytest.approx(0.1)


def test_a_cell_that_nobody_writes_to_any_more_is_not_back() -> None:
    assert back_after([*every_second(1000), sent(995, cell=2)], ENDED) is None
    assert back_after([], ENDED) is None


class Maker(Injection):
    """Makes faults by noting them; holds each until told to stop."""

    def __init__(self) -> None:
        super().__init__(inventory(), up=lambda: None)
        self.log: list[tuple[str, float]] = []

    def make(self, fault: Any, stop: threading.Event) -> Happened:
        began = time.time()
        self.log.append((f"begin {fault}", began))
        stop.wait(fault.seconds)
        self.log.append((f"end {fault}", time.time()))
        name, at = fault.kind.name, fault.at
        return Happened(kind=name, at=at, hosts=["drive1"], began=began, ended=time.time())


def test_faults_come_at_their_seconds_after_the_opening() -> None:
    maker = Maker()
    opened = time.time() - 10
    with Schedule([parse("kill-edge@10.3"), parse("cut@11+1")], maker) as schedule:
        assert maker.log == []
        schedule.opened(opened)
        while len(maker.log) < 4 and time.time() < opened + 60:
            time.sleep(0.05)
    schedule.require_all()
    at = {what: when - opened for what, when in maker.log}
    assert list(at) == [
        "begin kill-edge@10.3", "end kill-edge@10.3", "begin cut@11+1", "end cut@11+1",
    ]  # fmt: skip
    assert at["begin kill-edge@10.3"] >= 10.3
    assert at["begin cut@11+1"] >= 11
    assert at["end cut@11+1"] >= at["begin cut@11+1"] + 0.99


def test_ctrl_c_undoes_the_fault_under_way_and_begins_no_other() -> None:
    maker = Maker()
    schedule = Schedule([parse("cut@0+600"), parse("loss@900")], maker)

    def interrupted() -> None:
        with schedule:
            schedule.opened(time.time())
            time.sleep(0.3)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [what for what, _ in maker.log] == ["begin cut@0+600", "end cut@0+600"]


def test_a_fault_that_never_began_is_told() -> None:
    with Schedule([parse("cut@900")], Maker()) as schedule:
        schedule.opened(time.time())
    with pytest.raises(InputError, match=r"cut@900.*: the exam was over; choose an earlier second"):
        schedule.require_all()
    with Schedule([parse("cut@0")], Maker()) as schedule:
        pass
    with pytest.raises(InputError):
        schedule.require_all()


@pytest.mark.parametrize("error", [MachineError("drive1: no"), ValueError("odd")])
def test_a_fault_that_fails_is_told_when_the_exam_is_over(error: Exception) -> None:
    class Broken(Maker):
        def make(self, *_: Any) -> Happened:
            raise error

    with Schedule([parse("cut@0")], Broken()) as schedule:
        schedule.opened(time.time())
        time.sleep(0.2)
    with pytest.raises(MachineError, match=r"no|odd"):
        schedule.require_all()


def outcome(*backs: float | None) -> Faults:
    happened = {"kind": "cut", "at": 60, "hosts": ["drive1"], "began": 1060.2, "ended": 1075.4}
    recovered = [{**happened, "back_after": back} for back in backs]
    return Faults.model_validate({"run": "a", "opened": 1000, "faults": recovered, "lost": 0})


@pytest.mark.parametrize(
    ("verdict", "audit", "backs", "code"),
    [
        (Verdict.PASS, AUDIT, [], Exit.PASS),
        (Verdict.PASS, AUDIT, [3.0, 30.0], Exit.PASS),
        (Verdict.FAIL, AUDIT, [3.0], Exit.PASS),
        (Verdict.FAIL, AUDIT, [], Exit.FAIL),
        (Verdict.PASS, AUDIT, [3.0, 30.1], Exit.FAIL),
        (Verdict.PASS, AUDIT, [None], Exit.FAIL),
        (Verdict.PASS, LOST, [3.0], Exit.FAIL),
        (Verdict.INVALID, LOST, [3.0], Exit.FAIL),
        (Verdict.PASS, UNREAD, [3.0], Exit.MACHINE),
        (Verdict.INVALID, AUDIT, [30.1], Exit.INVALID),
        (Verdict.PASS, MISSING, [3.0], Exit.FAIL),
        (Verdict.PASS, MISSING, [], Exit.FAIL),
        (Verdict.INVALID, MISSING, [], Exit.INVALID),
        (Verdict.PASS, NOTHING, [3.0], Exit.FAIL),
        (Verdict.INVALID, NOTHING, [], Exit.INVALID),
    ],
)
def test_an_exam_is_judged_by_loss_then_by_receipts_and_recovery(
    verdict: Verdict, audit: Any, backs: list[float | None], code: Exit
) -> None:
    sat = storms.storm(1, verdict=verdict)
    assert exit_code(sat, audit, outcome(*backs)) == code
    assert Exam(sat, Path(), audit, outcome(*backs)).exit == code


def test_a_fault_that_could_not_be_made_ends_an_exam_unless_something_is_lost() -> None:
    problem = MachineError("drive1: no")
    sat = storms.storm(1)
    assert Exam(sat, Path(), AUDIT, outcome(3.0), problem).exit == Exit.MACHINE
    assert Exam(sat, Path(), MISSING, outcome(3.0), problem).exit == Exit.MACHINE
    assert Exam(sat, Path(), LOST, outcome(3.0), problem).exit == Exit.FAIL


def test_how_many_of_those_who_sat_handed_in_is_told() -> None:
    assert handed_in(storms.storm(1), AUDIT) == "  handed in: 1 of 1 who sat have a receipt"
    assert "0 of 1 who sat have a receipt  FAIL" in handed_in(storms.storm(1), MISSING)


def test_the_table_has_a_line_for_each_fault() -> None:
    lines = table(outcome(1.25, None, 45)).splitlines()
    assert lines[1].split() == ["cut@60", "60.2", "s", "75.4", "s", "-", "1.2", "s", "-", "0"]
    assert "never" in lines[2]
    assert lines[3].endswith("writes later than 30 s after its end")
    assert "does not count" in lines[4]
    assert table(outcome()) == ""


def test_a_fault_of_one_cell_is_judged_by_that_cell() -> None:
    log = [*every_second(1010, cell=1), *every_second(1040, cell=2)]

    def made(kind: str) -> Happened:
        return Happened(kind=kind, at=1, hosts=[], began=ENDED, ended=ENDED)

    both = faults("a", 990, [made("cut"), made("kill-edge")], log, AUDIT).faults
    assert [f.back_after for f in both] == [pytest.approx(10.1), pytest.approx(40.1)]
    assert [f.in_time for f in both] == [True, False]


def test_what_failed_during_a_fault_tells_whether_it_bit() -> None:
    cut = Happened(kind="cut", at=1, hosts=[], began=ENDED - 5, ended=ENDED)
    log = [*every_second(1010, cell=1), sent(1002, "unknown", cell=2), sent(1030, "refused")]
    (bitten,) = faults("a", 990, [cut], log, AUDIT).faults
    assert bitten.failed_during == 20
    silent = [sent(at, "unknown") for at in (980, 995, 1050)]
    (never,) = faults("a", 990, [cut], silent, AUDIT).faults
    assert (never.back_after, never.failed_during) == (None, 2)
    shown = table(faults("a", 990, [cut], log, AUDIT)).splitlines()[1]
    assert shown.split()[5] == "20"


def test_logins_are_told_beside_writes_where_the_fault_met_them() -> None:
    log, came = every_second(1010), [login(at) for at in range(1050, 1060, 2)]

    def made(kind: str) -> Happened:
        return Happened(kind=kind, at=1, hosts=[], began=ENDED, ended=ENDED)

    whole = faults("a", 990, [made("kill-identity"), made("kill-drive")], log, AUDIT, logins=came)
    identity, drive = whole.faults
    assert identity.logins_back_after == pytest.approx(50.2)
    assert (identity.in_time, identity.logins_in_time) == (True, False)
    assert (drive.logins_watched, drive.logins_in_time) == (False, True)
    _, first, second, _ = table(whole).splitlines()
    assert first.split()[6:10] == ["10.1", "s", "50.2", "s"]
    assert first.endswith("logins later than 30 s after its end")
    assert second.endswith("10.1 s                  -     0")


@pytest.mark.parametrize(
    ("back", "code"), [(30.0, Exit.PASS), (30.1, Exit.FAIL), (None, Exit.FAIL)]
)
def test_an_exam_fails_for_logins_that_came_back_late(back: float | None, code: Exit) -> None:
    late = outcome(3.0)
    watched = {"logins_watched": True, "logins_back_after": back}
    late = late.model_copy(update={"faults": [late.faults[0].model_copy(update=watched)]})
    assert exit_code(storms.storm(1), AUDIT, late) == code
    assert ("logins later than 30 s" in table(late)) == (code is Exit.FAIL)


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_of_what_logins_go_through_needs_logins_back_also_where_nobody_came(
    kind: str,
) -> None:
    made = Happened(kind=kind, at=1, hosts=[], began=ENDED, ended=ENDED)
    (fault,) = faults("a", 990, [made], every_second(1000), AUDIT).faults
    met = any(tier in kind for tier in ("edge", "identity", "database"))
    assert (fault.in_time, fault.logins_in_time, fault.all_in_time) == (True, not met, not met)
    shown = table(faults("a", 990, [made], every_second(1000), AUDIT)).splitlines()[1]
    assert ("never" in shown) == met


def test_the_driver_tells_when_the_storm_opened(host: Path) -> None:
    told: list[float] = []
    driver.ring(lab(), plan(), host / "results", out=io.StringIO(), opened=told.append)
    assert len(told) == 1
    assert told[0] == pytest.approx(time.time() - 1, abs=3)


class Comers:
    """Latecomers, all of whom come in."""

    def __init__(self, *_: Any) -> None:
        self.logins: list[Login] = []

    def begin(self) -> None:
        self.logins = [login(time.time() + n) for n in range(3)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Have nobody to wait for."""

    def require(self) -> None:
        """Have nothing to complain of."""


def sit(folder: Path, monkeypatch: pytest.MonkeyPatch, log: list[Write], *asked: str) -> Exam:
    """Sit an exam of one pupil, which opened a minute ago and left `log`."""
    (folder / "writes.jsonl").write_text("".join(w.model_dump_json() + "\n" for w in log))
    results = storms.storm(1, verdict=Verdict.FAIL)

    def storm(*_: Any, opened: Any) -> Any:
        opened(time.time() - 60)
        time.sleep(0.3)
        return results, folder

    monkeypatch.setattr("klokken.storm.run.storm", storm)
    monkeypatch.setattr(exams, "Injection", lambda *_: Maker())
    monkeypatch.setattr(exams, "Latecomers", Comers)
    monkeypatch.setattr(audits, "ask", lambda *_: [found("a")])
    faults = [parse(text) for text in asked]
    return exams.sit(inventory(), results.plan, faults, up=lambda: None)


def test_an_exam_is_audited_and_told_although_a_fault_never_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = [sent(time.time(), kind="handin")]
    sat = sit(tmp_path, monkeypatch, log, "kill-drive@60", "cut@900")
    assert (sat.audit.acknowledged, sat.exit) == (1, Exit.BAD_INPUT)
    assert "cut@900+15: the exam was over" in str(sat.problem)
    assert [fault.kind for fault in sat.faults.faults] == ["kill-drive"]


def test_an_exam_is_rung_broken_audited_and_put_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    log = [sent(now + n / 10, kind="handin") for n in range(-50, 100)]
    sat = sit(tmp_path, monkeypatch, log, "kill-drive@60")
    assert sat.exit == Exit.PASS
    assert sat.faults.faults[0].in_time
    written = (tmp_path / "faults.json").read_text()
    assert Faults.model_validate_json(written) == sat.faults
    assert (tmp_path / "audit.json").exists()
    assert len((tmp_path / "logins.jsonl").read_text().splitlines()) == 3
    assert "Fejl under prøven" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert list(writes.read(tmp_path / "writes.jsonl")) == log
