"""The comparison of load generators: what its trials come to, and how it reads."""

from __future__ import annotations

import json
import os
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import facts
from benchmarks.facts import spread
from benchmarks.generator import __main__ as command
from benchmarks.generator import recording
from benchmarks.generator.case import Case, Login, evenly
from benchmarks.generator.contenders import FAST, K6, KLOKKEN, k6_own, stock_own
from benchmarks.generator.document import document
from benchmarks.generator.meter import cpu_seconds, memory_bytes
from benchmarks.generator.outcome import (
    Comparison,
    Lateness,
    Trial,
    Waiting,
    each_pupil,
    ratio,
)
from klokken.errors import Exit
from klokken.results import MachineFacts
from loadtests.answers import claims_of

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2025, 11, 22, tzinfo=UTC)


def trial(name: str = KLOKKEN, **changes: Any) -> Trial:
    body: dict[str, Any] = {
        "part": "cost",
        "name": name,
        "rate": 100,
        "seconds": 10,
        "done": 1000,
        "cpu_seconds": 0.8,
        "memory_bytes": 60 * 2**20,
        "failed": 0,
        "lateness": None,
        "tls": "TLSv1.3 TLS_AES_128_GCM_SHA256 X25519",
    }
    return Trial.model_validate({**body, **changes})


def comparison(*trials: Trial, waiting: tuple[Waiting, ...] = ()) -> Comparison:
    return Comparison(
        against="null",
        started=NOW,
        finished=NOW,
        machine=MachineFacts(cpu_model="a test", cores=2, memory_bytes=2**33, kernel="none"),
        versions={"k6": "v1.8.1"},
        trials=list(trials),
        waiting=list(waiting),
    )


def test_a_trial_knows_its_cost_and_whether_it_held() -> None:
    fine = trial()
    assert (fine.milliseconds, fine.cores, fine.achieved, fine.held) == (0.8, 0.08, 100, True)
    assert trial(done=920).held
    assert trial(done=1100).held
    assert not trial(done=880).held
    assert not trial(cpu_seconds=9.6).held
    assert not trial(failed=1).held
    assert trial(done=0).milliseconds == float("inf")


@pytest.mark.parametrize(
    ("done", "kept"), [(940, False), (950, True), (1000, True), (1050, True), (1060, False)]
)
def test_a_trial_kept_to_the_rate_where_it_did_neither_less_nor_more(
    done: int, *, kept: bool
) -> None:
    assert trial(done=done).kept_up is kept
    assert not trial(done=done, failed=1).kept_up


@given(st.lists(st.floats(0.001, 1000), min_size=2))
def test_a_spread_holds_the_median_between_the_extremes(values: list[float]) -> None:
    middle, least, _, greatest = spread(values, ".6f").replace("(", "").strip(")").split()
    assert float(least) <= float(middle) <= float(greatest)
    assert spread(values) == spread(reversed(values))


def test_one_value_has_no_spread_and_none_is_a_dash() -> None:
    assert (spread([1.234]), spread([])) == ("1.23", "-")


def test_a_ratio_is_of_medians_and_needs_both() -> None:
    assert ratio([1, 2, 30], [4]) == 0.5
    assert ratio([], [4]) is None
    assert ratio([4], []) is None


def page(*trials: Trial) -> str:
    return document(comparison(*trials))


def test_a_goal_is_said_to_be_reached_or_not() -> None:
    found = page(*[trial(), trial(K6, cpu_seconds=2.0), trial(FAST, cpu_seconds=7.9)] * 3)
    three = "(medians of 3 and 3 trials that kept to the rate)"
    assert f"Klokken 0.40 of what it costs k6 {three}; the goal was 0.5: reached." in found
    assert f"0.10 of what it costs Locust FastHttpUser {three}; the goal was 0.1: not" in found


@pytest.mark.parametrize(
    ("trials", "verdict"),
    [
        ([trial()] * 3 + [trial(K6, cpu_seconds=2.0)] * 2, "0.5: not decided, which takes 3"),
        ([trial()] * 2 + [trial(K6, cpu_seconds=2.0)] * 3, "0.5: not decided, which takes 3"),
        ([trial(), trial(K6, cpu_seconds=0.9)], "0.5: not reached."),
        ([trial(), *[trial(K6, failed=1)] * 3], "not decided, no trial of k6 kept to the rate."),
        ([trial(done=1200), trial(K6)], "not decided, no trial of Klokken kept to the rate."),
    ],
)
def test_a_goal_takes_three_trials_on_each_side_that_kept_to_the_rate(
    trials: list[Trial], verdict: str
) -> None:
    found = page(*trials)
    assert verdict in found
    assert ": reached" not in found


def late(p999: float, **changes: Any) -> Trial:
    took = Lateness(p50=0.0001, p99=0.0012, p999=p999)
    return trial(part="lateness", share=0.5, cpu_seconds=4.8, lateness=took, **changes)


@pytest.mark.parametrize(
    ("trials", "verdict"),
    [
        ([late(0.009)] * 3, "9.0 (9.0 to 9.0) ms late (median of 3 trials"),
        ([late(0.009)] * 3, "under 10 ms: reached."),
        ([late(0.004), late(0.012), late(0.030)], "under 10 ms: not reached."),
        ([late(0.009)] * 2, "under 10 ms: not decided"),
        ([late(0.009, done=900)] * 3, "at half a core: not measured."),
        ([], "at half a core: not measured."),
    ],
)
def test_lateness_at_half_a_core_is_a_goal(trials: list[Trial], verdict: str) -> None:
    (line,) = [line for line in page(*trials).splitlines() if "half a core" in line]
    assert verdict in line


def test_the_page_says_what_was_not_measured() -> None:
    found = page()
    heads = ["CPU a login at", "Lateness, in", "To the limit", "Memory of pupils"]
    for head in heads:
        assert re.search(rf"^## {head}.*\n\nNot measured\.$", found, re.MULTILINE)
    assert "- CPU a login beside k6: not measured." in found
    assert "- CPU a login beside Locust FastHttpUser: not measured." in found
    assert found.count("Not measured.") == len(heads)
    assert page(trial()).count("Not measured.") == len(heads) - 1


def test_what_is_measured_again_takes_the_place_of_what_was() -> None:
    before = comparison(
        trial(rate=20), trial(rate=100), trial(part="lateness", share=0.5), trial(part="limit")
    )
    order = command.Order(("cost", "lateness"), command.NULL, 5, [20], 8, before)
    kept = [one for one in before.trials if order.kept(one)]
    assert kept == [trial(rate=100), trial(part="limit")]


def test_a_run_over_several_days_says_them() -> None:
    found = comparison(trial())
    later = found.model_copy(update={"finished": NOW.replace(day=23)})
    assert "; 22 November 2025, " in document(found)
    assert "; 22 November to 23 November 2025." in document(later)


def test_a_page_is_written_anew_without_measuring(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for where in (facts, command):
        monkeypatch.setattr(where, "DOCUMENTS", tmp_path)
    found = comparison(trial())
    (tmp_path / "generator.json").write_text(found.model_dump_json())
    done = CliRunner().invoke(command.main, ["--page"])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "generator.md").read_text(encoding="utf-8") == document(found)
    kept = Comparison.model_validate_json((tmp_path / "generator.json").read_bytes())
    assert kept == found


def test_trials_of_another_machine_are_not_added_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "DOCUMENTS", tmp_path)
    (tmp_path / "generator.json").write_text(comparison(trial()).model_dump_json())
    done = CliRunner().invoke(command.main, ["cost", "--add"])
    assert done.exit_code == Exit.BAD_INPUT
    assert "generator.json: machine: is another than this one; measure all" in done.output


@pytest.mark.parametrize("other", ["cost", "--add"])
def test_a_page_that_is_written_anew_measures_nothing(other: str) -> None:
    done = CliRunner().invoke(command.main, ["--page", other])
    assert done.exit_code == Exit.BAD_INPUT
    assert "page: measures nothing; leave parts and --add out" in done.output


def test_the_page_has_a_table_for_each_part_that_was_run() -> None:
    took = Lateness(p50=0.0001, p99=0.0012, p999=0.0099)
    found = document(
        comparison(
            trial(),
            trial(part="lateness", share=0.5, lateness=took),
            trial(part="limit", rate=900),
            waiting=(
                Waiting(name=KLOKKEN, pupils=1000, memory_bytes=2**26),
                Waiting(name=KLOKKEN, pupils=301_000, memory_bytes=2**26 + 6_000_000),
            ),
        )
    )
    assert "| Klokken | 50% | 100 | 0.08 | 0.1 | 1.2 | 9.9 |" in found
    assert "| Klokken | 900 | 100 | 0.80 | 0.08 | 0 | no |" in found
    assert "| Klokken | 64 | 301,000 | 70 | 20 |" in found
    assert "Klokken: TLSv1.3 TLS_AES_128_GCM_SHA256 X25519" in found
    assert "- k6: v1.8.1" in found
    assert "Not measured" not in found


def test_a_waiting_pupil_is_the_difference_between_few_and_many() -> None:
    few = Waiting(name=K6, pupils=10, memory_bytes=1_000_000)
    assert each_pupil([few, few.model_copy(update={"pupils": 20})], K6) == 0
    assert each_pupil([few], K6) is None
    assert each_pupil([few, few], K6) is None


def test_what_k6_says_is_in_milliseconds_and_what_it_dropped_has_failed() -> None:
    said = {
        "logins": {"values": {"count": 95}},
        "iterations": {"values": {"count": 98}},
        "dropped_iterations": {"values": {"count": 2}},
        "lateness": {"values": {"med": 1, "p(99)": 4, "p(99.9)": 10}},
    }
    own = k6_own(json.dumps(said))
    assert (own.done, own.failed) == (95, 5)
    assert own.lateness == Lateness(p50=0.001, p99=0.004, p999=0.01)
    del said["dropped_iterations"], said["logins"]
    assert k6_own(json.dumps(said)).failed == 98


def test_what_locust_says_is_summed_over_its_requests() -> None:
    rows = [
        {"name": "login_page", "num_requests": 10, "num_failures": 1},
        {"name": "token", "num_requests": 9, "num_failures": 2},
    ]
    own = stock_own(json.dumps(rows))
    assert (own.done, own.failed, own.lateness) == (9, 3, None)
    assert stock_own("[]").done == 0


def login(folder: Path) -> Login:
    return Login(
        origin="https://127.0.0.1:1",
        realm="skole",
        client_id="drive",
        redirect_uri="https://drive1.skole.test/oidc-callback.html",
        ca_file=folder / "ca.pem",
        password="x",  # noqa: S106 - of nobody
    )


def test_the_engine_is_asked_for_the_rate_and_the_length_of_a_case(tmp_path: Path) -> None:
    plan = Case(login=login(tmp_path), rate=12.5, seconds=8).plan()
    found = evenly(plan, 0, plan.people)
    assert len(found) == plan.offered == 100
    assert found.due == pytest.approx([0.04 + 0.08 * n for n in range(100)])
    assert evenly(plan, 60, 61).due == found.due[60]
    assert plan.cell_urls == ["https://drive1.skole.test"]


def test_waiting_pupils_are_not_due_for_hours(tmp_path: Path) -> None:
    case = Case(login=login(tmp_path), rate=0, seconds=600, waiting=5000)
    plan = case.plan()
    due = evenly(plan, 0, plan.people).due
    assert case.count == plan.offered == 5000
    assert (due < 60).sum() < 50


def test_cpu_is_that_of_all_threads_of_a_process(tmp_path: Path) -> None:
    for thread, nanoseconds in (("4000001", 1_500_000_000), ("4000002", 500_000_000)):
        folder = tmp_path / "4000001" / "task" / thread
        folder.mkdir(parents=True)
        (folder / "schedstat").write_text(f"{nanoseconds} 7 9\n")
    assert cpu_seconds([4_000_001], tmp_path) == 2.0
    assert cpu_seconds([4_000_009], tmp_path) == 0.0


def test_memory_is_measured_and_a_process_that_is_gone_has_none() -> None:
    assert memory_bytes([os.getpid()]) > 2**20
    assert memory_bytes([2**22 + 1]) == 0


def test_recorded_tokens_hold_what_generators_check() -> None:
    claims = claims_of(recording.tokens("https://a/realms/skole")["id_token"])
    assert claims["iss"] == "https://a/realms/skole"
    assert (claims["nonce"], claims["preferred_username"]) == (recording.NONCE, recording.USER)
