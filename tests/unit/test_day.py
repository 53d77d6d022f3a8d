from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from click.testing import CliRunner

from klokken import deployment, report
from klokken.day import profiles
from klokken.errors import InputError
from klokken.profile import PROFILES, Profile
from klokken.results import Results, StormPlan, Verdict
from klokken.storm import run
from klokken.storm.commands import storm
from tests import storms

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

DAY = yaml.safe_load((PROFILES / "school-day.yaml").read_text())


class Bell:
    """Rings storms that end with given verdicts, and notes what was planned and rung."""

    def __init__(self, folder: Path, *verdicts: Verdict) -> None:
        self.folder = folder
        self.verdicts = list(verdicts)
        self.planned: list[tuple[str, Any]] = []
        self.rung: list[str] = []

    def plan(self, profile: Profile, _: object, **choices: Any) -> StormPlan:
        self.planned.append((profile.name, choices["compression"]))
        return storms.plan(624, profile=profile, run=f"run-{profile.name}")

    def storm(self, _: object, plan: StormPlan, **__: Any) -> tuple[Results, Path]:
        assert len(self.planned) == len(self.rung) + len(self.verdicts)
        self.rung.append(plan.profile.name)
        folder = self.folder / plan.run
        folder.mkdir()
        (folder / report.NAME).touch()
        return storms.storm(plan=plan, verdict=self.verdicts.pop(0)), folder


def ring(monkeypatch: pytest.MonkeyPatch, bell: Bell, *arguments: str) -> Any:
    monkeypatch.setattr(deployment, "read_inventory", lambda _: None)
    monkeypatch.setattr(run, "plan", bell.plan)
    monkeypatch.setattr(run, "storm", bell.storm)
    return CliRunner().invoke(storm, arguments)


def day(folder: Path, **changes: Any) -> str:
    """Write the day that comes with Klokken, and its storms, with some of its fields replaced."""
    for name in DAY["storms"]:
        (folder / f"{name}.yaml").write_text((PROFILES / f"{name}.yaml").read_text())
    path = folder / "school-day.yaml"
    path.write_text(yaml.safe_dump(DAY | changes))
    return str(path)


def test_the_day_that_comes_with_klokken_is_a_morning_and_an_exam() -> None:
    assert [profile.journey for profile in profiles("school-day")] == ["morning", "exam"]


def test_a_profile_is_a_day_of_one_storm() -> None:
    assert profiles("minute") == [Profile.named("minute")]


def test_storms_of_a_day_are_the_files_beside_it(tmp_path: Path) -> None:
    assert profiles(day(tmp_path)) == profiles("school-day")


P, F, X = Verdict.PASS, Verdict.FAIL, Verdict.INVALID


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [((P, P), 0), ((P, F), 1), ((F, P), 1), ((X, P), 3), ((P, X), 3), ((X, F), 3), ((F, X), 3)],
)
def test_a_day_rings_every_storm_and_ends_as_the_worst(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, verdicts: Sequence[Verdict], code: int
) -> None:
    bell = Bell(tmp_path, *verdicts)
    ended = ring(monkeypatch, bell, "school-day")
    assert bell.rung == ["morning", "exam"]
    assert ended.exit_code == code
    for verdict, name in zip(verdicts, bell.rung, strict=True):
        assert f"{verdict}: {name}, " in ended.output
        assert f"run-{name}/report.html" in ended.output


def test_a_day_prints_the_results_of_each_storm_as_a_document_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    ended = ring(monkeypatch, Bell(tmp_path, P, P), "school-day", "--json")
    first, end = json.JSONDecoder().raw_decode(ended.output)
    second = json.loads(ended.output[end:])
    assert [r["plan"]["profile"]["name"] for r in (first, second)] == ["morning", "exam"]


def test_a_day_compresses_its_exams_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bell = Bell(tmp_path, P, P)
    ring(monkeypatch, bell, "school-day", "--compress", "30")
    assert bell.planned == [("morning", None), ("exam", 30.0)]


def test_a_storm_that_is_no_exam_is_still_told_that_it_cannot_be_compressed(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    bell = Bell(tmp_path, P)
    ring(monkeypatch, bell, "minute", "--compress", "30")
    assert bell.planned == [("minute", 30.0)]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"storms": []}, "storms: "),
        ({"storms": "morning"}, "storms: "),
        ({"storms": ["../morning"]}, "storms.0: "),
        ({"storms": ["morning", "lunch"]}, "storms.1: there is no lunch.yaml beside it"),
        ({"name": "other"}, "call it 'school-day'"),
        ({"tittle": {}}, "did you mean 'title'?"),
    ],
)
def test_a_day_that_cannot_be_is_refused_in_one_line(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    path = day(tmp_path, **changes)
    with pytest.raises(InputError) as refused:
        profiles(path)
    line = str(refused.value)
    assert line.startswith(path)
    assert message in line
    assert "\n" not in line


def test_a_day_within_a_day_is_refused(tmp_path: Path) -> None:
    path = day(tmp_path, storms=["school-day"])
    with pytest.raises(InputError, match=r"storms: is a day of storms, not one; name one of them"):
        profiles(path)
