"""Dry runs by the real processes: nothing is sent, everything is counted."""

from __future__ import annotations

import io
import json
from datetime import time
from typing import TYPE_CHECKING

import psutil
import pytest
from click.testing import CliRunner

from klokken.errors import InputError
from klokken.profile import Profile
from klokken.report import render
from klokken.results import Results, Verdict
from klokken.storm import commands, dry
from klokken.storm.progress import ProgressLine
from klokken.storm.summary import summary

if TYPE_CHECKING:
    from pathlib import Path

    from klokken.storm.plan import Choices

pytestmark = pytest.mark.slow

CHOICES: Choices = {
    "fraction": 0.001,
    "seed": 1,
    "opens": time(7, 59, 30),
    "closes": time(8, 0, 30),
    "compression": 20.0,
}


@pytest.fixture(scope="module")
def rung(tmp_path_factory: pytest.TempPathFactory) -> tuple[Results, Path, str]:
    """Ring a thousandth of Bavaria's minute around the bell in three seconds."""
    out = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dry, "RESULTS", tmp_path_factory.mktemp("results"))
        planned = dry.plan(Profile.named("bavaria"), workers=2, answer_seconds=0.01, **CHOICES)
        return *dry.storm(planned, out), out.getvalue()


def test_every_pupil_is_rung_and_comes_through(rung: tuple[Results, Path, str]) -> None:
    found, _, progress = rung
    assert found.offered == found.completed == found.plan.offered > 100
    assert found.classes["token"].ok == found.offered
    assert f"completed {found.offered}" in progress.splitlines()[-1]


def test_a_dry_run_never_passes_a_platform(rung: tuple[Results, Path, str]) -> None:
    found, folder, _ = rung
    # This machine may be busy with other tests; that alone makes it INVALID.
    reasons = [r for r in found.invalid_because if "late" not in r and "cores" not in r]
    assert reasons == []
    assert found.verdict in {Verdict.DRY, Verdict.INVALID}
    assert found.judgements == []
    told = summary(found, folder)
    assert "this says nothing of any platform" in told
    assert "source addresses: 1 = " in told
    assert f"MiB + {found.offered:,} pupils x 16 bytes" in told


def test_what_the_generator_needed_is_recorded(rung: tuple[Results, Path, str]) -> None:
    took = rung[0].generator.footprint
    assert took.schedule_bytes == 16 * rung[0].offered
    assert took.schedule_seconds > 0
    assert 0 < took.proportional_bytes <= took.resident_bytes
    assert took.cpu_seconds > 0


def test_the_folder_holds_the_whole_of_it(rung: tuple[Results, Path, str]) -> None:
    found, folder, _ = rung
    assert Results.model_validate_json((folder / "results.json").read_text()) == found
    page = render(found)
    assert (folder / "report.html").read_text() == page
    assert "--dry-run --workers 2" in page


def test_nothing_else_is_left(rung: tuple[Results, Path, str]) -> None:
    _, folder, _ = rung
    left = {path.name for path in folder.iterdir()}
    assert left == {"record.json", "results.json", "latency.hlog", "report.html"}
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_a_dry_run_whose_master_is_lost_keeps_what_was_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill_master(self: ProgressLine, line: str) -> bool:
        done = show(self, line)
        if json.loads(line)["completed"]:
            for process in psutil.Process().children():
                if "--master" in process.cmdline():
                    process.kill()
        return done

    show = ProgressLine.show
    monkeypatch.setattr(ProgressLine, "show", kill_master)
    monkeypatch.setattr(dry, "RESULTS", tmp_path)
    planned = dry.plan(Profile.named("bavaria"), workers=1, answer_seconds=0.01, **CHOICES)
    found, folder = dry.storm(planned, io.StringIO())
    assert found.verdict is Verdict.INVALID
    assert found.invalid_because[0].startswith("the master was lost after ")
    assert found.offered == planned.offered == found.started_journeys + found.dropped
    assert found.completed > 0
    assert (folder / "report.html").exists()


def test_the_report_of_a_dry_run_that_kept_its_limits_says_what_it_is(
    rung: tuple[Results, Path, str],
) -> None:
    kept = rung[0].model_copy(update={"verdict": Verdict.DRY, "invalid_because": []})
    page = render(kept)
    assert "TØRLØB" in page
    assert "Only the load generator was tried" in page
    assert "BESTÅET" not in page


def test_a_rate_that_the_workers_cannot_give_says_how_many_would() -> None:
    with pytest.raises(InputError, match=r"storm: workers: 1 would use .* give \d+ workers"):
        dry.plan(
            Profile.named("bavaria"), workers=1, answer_seconds=None, **CHOICES | {"fraction": 1.0}
        )


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--workers", "2"], "storm: workers, answer: belong to a dry run; give --dry-run"),
        (["--dry-run", "--web"], "storm: web: shows a storm at a stack; leave --web or"),
        (["--dry-run", "--fraction", "2"], "storm: fraction: is 2.0; give one above 0 and at most"),
    ],
)
def test_options_that_do_not_fit_are_refused_in_one_line(options: list[str], line: str) -> None:
    done = CliRunner().invoke(commands.storm, ["minute", *options])
    assert isinstance(done.exception, InputError)
    assert str(done.exception).startswith(line)
    assert "\n" not in str(done.exception)
