"""`klokken simulate`: what a person gives, gets and is told."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from click.testing import CliRunner

from klokken.capacity import commands, run
from klokken.capacity.demands import EXAMPLES, Demands
from klokken.capacity.platform import Kill, Platform
from klokken.capacity.run import Choices, simulate
from klokken.capacity.summary import summary
from klokken.errors import InputError
from klokken.paths import PROJECT
from klokken.topology import Tier

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.heavy

DEMANDS = yaml.safe_load((EXAMPLES / "lab-demands.yaml").read_text())
PLATFORM = yaml.safe_load((EXAMPLES / "lab-platform.yaml").read_text())
KNOWN = "d504f4ddbda5df38b4e4040410738bd74145f9a6baf710b2cdf2cb250d003ab0"
HASH = "from klokken.capacity.run import *; print(simulate(Choices('minute')).result_hash)"


def changed(document: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return the document with the field at `path` set; with None, taken away."""
    found = copy.deepcopy(document)
    place: Any = found
    *parents, last = path.split("/")
    for part in parents:
        place = place[int(part) if part.isdigit() else part]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return found


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("work/password/identity/value", -0.1, "work.password.identity.value"),
        ("work/password/identity/low", 0.5, "`low`, `value` and `high` must be in this order"),
        ("work/password/identity/high", 0.001, "`low`, `value` and `high` must be in this order"),
        ("work/password/identity/source", None, "give either a `source`"),
        ("work/password/identity/value", float("nan"), "work.password.identity.value"),
        ("work/password/identity", None, "`work.password` has no identity, which it visits"),
        ("work/password/moon", {}, "work.password.moon"),
        ("journeys/login/requests/1/path", ["identity", "edge"], "must begin at edge"),
        ("journeys/login/requests/1/path", ["edge", "metrics"], "must begin at edge"),
        ("journeys/login/requests/1/again", "token", "no request before it"),
        ("journeys/login/requests/1/name", "login_page", "two of one name"),
        ("journeys/login/requests/1/priority", 3, "priority"),
    ],
)
def test_wrong_demands_are_told_in_one_line(
    tmp_path: Path, path: str, value: Any, says: str
) -> None:
    file = tmp_path / "demands.yaml"
    file.write_text(yaml.safe_dump(changed(DEMANDS, path, value), sort_keys=False))
    with pytest.raises(InputError) as caught:
        Demands.read(file)
    line = str(caught.value)
    assert line.startswith(str(file))
    assert says in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("tiers/identity/nodes", 0, "tiers.identity.nodes"),
        ("tiers/identity/workers", 100_000, "tiers.identity.workers"),
        ("tiers/identity/balance", "luck", "tiers.identity.balance"),
        ("tiers/metrics", PLATFORM["tiers"]["edge"], "which no pupil's request visits"),
        ("tiers/identity", None, "tiers.identity: missing, but the journey visits it"),
    ],
)
def test_a_wrong_platform_is_told_in_one_line(
    tmp_path: Path, path: str, value: Any, says: str
) -> None:
    file = tmp_path / "platform.yaml"
    file.write_text(yaml.safe_dump(changed(PLATFORM, path, value)))
    with pytest.raises(InputError) as caught:
        simulate(Choices("minute", platform=file, level="fluid"))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("choice", "says"),
    [
        ({"fraction": 0.0}, "simulate: fraction"),
        ({"fraction": 1.5}, "simulate: fraction"),
        ({"seed": -1}, "simulate: seed"),
        ({"profile": "moon"}, "there is none of this name"),
        ({"profile": "exam", "level": "sweep"}, "knows no exams"),
        ({"kills": ("identity",)}, r"TIER@SECOND"),
        ({"kills": ("moon@3",)}, "no tier of the platform"),
        ({"kills": ("identity@60",)}, "identity@60: the morning is over after 60 s"),
        ({"kills": ("identity@10000000000",)}, "the morning is over after 60 s"),
        ({"kills": ("identity@3+10000000000",)}, "is away for longer than the morning's 60 s"),
        (
            {"kills": ("identity@3+9", "identity@12")},
            "kill: identity@12: no host of identity is up then, of 1; leave one out",
        ),
        ({"kills": ("identity@3",), "level": "sweep"}, "knows no faults"),
    ],
)
def test_a_wrong_choice_is_told_in_one_line(choice: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        simulate(Choices(**{"profile": "minute", "level": "fluid", **choice}))


def test_a_host_that_stands_by_needs_to_know_how_long_it_takes(tmp_path: Path) -> None:
    standing_by = {**PLATFORM["tiers"]["database"], "stands_by": True}
    platform, demands = tmp_path / "platform.yaml", tmp_path / "demands.yaml"
    platform.write_text(yaml.safe_dump(changed(PLATFORM, "tiers/database", standing_by)))
    without = changed(DEMANDS, "resources/database/takeover_seconds", None)
    demands.write_text(yaml.safe_dump(without, sort_keys=False))
    chosen = Choices("minute", demands, platform, "fluid", kills=("database@10",))
    with pytest.raises(InputError, match=r"resources\.database\.takeover_seconds: missing, but"):
        simulate(chosen)
    assert simulate(replace(chosen, kills=())).offered == 600


def test_a_kill_names_tier_second_and_how_long() -> None:
    platform = Platform.model_validate(PLATFORM)
    assert Kill.parse("identity@480", platform, 1200) == Kill(Tier.IDENTITY, 480.0)
    assert Kill.parse("identity@480+120.5", platform, 1200).back == 600.5


def test_the_same_choices_have_the_same_hash_in_another_process() -> None:
    here = simulate(Choices("minute")).result_hash
    there = subprocess.run(
        [sys.executable, "-c", HASH], cwd=PROJECT, check=True, capture_output=True, text=True
    )
    assert there.stdout.split() == [here]
    # On every machine: whole numbers and a table of logarithms that the standard defines.
    assert here == KNOWN


def test_the_command_says_that_it_simulated_and_puts_everything_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "RESULTS", tmp_path)
    shown = CliRunner().invoke(commands.simulate, ["minute"])
    assert shown.exit_code == 0, shown.output
    assert shown.output.startswith("SIMULATED PASS: minute")
    assert "it is no measurement" in shown.output
    [file] = tmp_path.glob("*/simulation.json")
    kept = json.loads(file.read_text())
    assert kept["kind"] == "SIMULATED"
    assert kept["offered"] == kept["completed"] == 600
    assert kept["result_hash"] in shown.output
    # Its minutes are read by the clock, and what was missed is seen.
    drawn = file.with_name("morning.svg").read_text()
    assert ">08:00<" in drawn
    assert ">failed or left<" in drawn


def test_a_morning_that_is_too_much_fails_and_names_minutes() -> None:
    for level in ("fluid", "exact"):
        found = simulate(Choices("south-schleswig", level=level))
        assert found.verdict == "PASS", level
        hard = simulate(Choices("denmark", level=level, fraction=0.05))
        assert hard.verdict == "FAIL"
        assert hard.missed[0].minute > 0
        assert hard.offered == hard.completed + hard.failed + hard.abandoned
        assert "missed in minute" in summary(hard, PROJECT / "simulation.json")
