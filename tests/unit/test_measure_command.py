"""The command: what it refuses, what it says before it begins, what it leaves."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from klokken import deployment, seeding, telemetry
from klokken.capacity.demands import Demands
from klokken.capacity.measure import commands
from klokken.capacity.run import DEMANDS_FILE, PLATFORM_FILE, Choices, simulate
from klokken.cli import cli
from klokken.errors import InputError, KlokkenError
from klokken.stackconfig import StackConfig
from tests.unit.synthetic_lab import MACHINE, Lab
from tests.unit.test_plan import inventory

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.heavy


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """Have a lab that is simulated stand where the stack is."""
    lab = Lab(noise=0.01)
    config = StackConfig.parse(
        {"klokken:substrate": "lab", "klokken:site": SITE, "klokken:storms": True}, "lab"
    )
    monkeypatch.setattr(commands, "RESULTS", tmp_path)
    monkeypatch.setattr(commands, "Site", lambda *_, **__: lab)
    monkeypatch.setattr(deployment, "read_inventory", lambda _: inventory())
    monkeypatch.setattr(StackConfig, "read", lambda _: config)
    monkeypatch.setattr(telemetry, "machine_facts", lambda _: MACHINE)
    monkeypatch.setattr(telemetry, "versions", lambda _: {"edge1 haproxy": "3"})
    return lab


SITE = {"domain": "skole.test", "network": "198.18.0.0/24", "accounts": 6500}


def run(*arguments: str) -> Any:
    return CliRunner().invoke(cli, ["measure", *arguments])


def test_a_measurement_says_how_long_it_takes_and_leaves_all_that_it_found(
    lab: Lab, tmp_path: Path
) -> None:
    done = run("lab")
    assert done.exit_code == 0, done.output
    assert "24 storms over 3 fresh starts, about 46 minutes in all, at most 68" in done.output
    assert "MEASURED on lab" in done.output
    [folder] = tmp_path.iterdir()
    assert {path.name for path in folder.iterdir()} == {
        "steps.jsonl", "measure.json", "demands.yaml", "load-minute.svg", "report.html",
    }  # fmt: skip
    kept = json.loads((folder / "measure.json").read_text())
    assert kept["kind"] == "MEASURED"
    # Hosts of a lab are on one machine.
    assert kept["plan"]["shared"]
    assert kept["plan"]["versions"] == {"edge1 haproxy": "3"}
    demands = folder / "demands.yaml"
    assert "p95" in demands.read_text().split("name:")[0]
    read = Demands.read(demands)
    assert read.name.startswith("lab ")
    told = {one.what: one for one in read.held_out}
    assert {"throughput", "utilisation of identity", "p95"} <= set(told)
    assert all(one.kept for one in told.values())
    assert "minute a second" in told["p95"].storm
    assert simulate(Choices("minute", demands=demands, level="fluid")).verdict
    assert lab.starts == 3


def test_a_finished_run_is_reckoned_again_without_a_storm(lab: Lab, tmp_path: Path) -> None:
    run("lab")
    rung = len(lab.rung)
    [folder] = tmp_path.iterdir()
    (folder / "demands.yaml").unlink()
    done = run("lab", "--resume", folder.name, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["kind"] == "MEASURED"
    assert (folder / "demands.yaml").exists()
    assert len(lab.rung) == rung


def test_a_run_that_is_gone_on_with_keeps_the_demands_and_the_platform_of_its_first_call(
    lab: Lab, tmp_path: Path
) -> None:
    demands, platform = tmp_path / "known.yaml", tmp_path / "site.yaml"
    demands.write_text(DEMANDS_FILE.read_text().replace("value: 0.0005\n", "value: 0.0006\n"))
    platform.write_text(PLATFORM_FILE.read_text().replace("workers: 8\n", "workers: 7\n"))
    run("lab", "--demands", str(demands), "--platform", str(platform))
    demands.unlink()
    platform.unlink()
    [folder] = [path for path in tmp_path.iterdir() if path.is_dir()]
    written = (folder / "demands.yaml").read_text()
    (folder / "demands.yaml").unlink()
    done = run("lab", "--resume", folder.name, "--json")
    assert done.exit_code == 0, done.output
    plan = json.loads(done.stdout)["plan"]
    assert plan["platform"]["tiers"]["identity"]["workers"] == 7
    assert plan["demands"]["work"]["token"]["database"]["value"] == 0.0006
    assert (folder / "demands.yaml").read_text() == written
    assert lab.starts == 3


def refused(*arguments: str) -> str:
    done = run(*arguments)
    assert isinstance(done.exception, KlokkenError), done.output
    return str(done.exception)


def test_what_cannot_be_measured_is_refused_before_anything_is_touched(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "more than the 6500 people" in refused("lab", "--most", "500")
    # The lowest of eight rates, not the highest, has too few people.
    assert "0.125 minute a second for 40 s are fewer than 10" in refused("lab", "--most", "1")
    assert "'0' is no rate" in refused("lab", "--most=0")
    assert "'many' is no rate" in refused("lab", "--most=many")
    assert "names no profile of minute" in refused("lab", "--most=morning=5")
    assert "cannot be read" in refused("lab", "--resume", "none")
    assert "none of this name" in refused("lab", "--profile", "moon")
    for option in ("--steps=7", "--starts=2", "--repeats=0", "--seed=-1"):
        done = run("lab", option)
        assert done.exit_code == 2
        assert "is not in the range" in done.output
    few = inventory(accounts=1500)
    monkeypatch.setattr(deployment, "read_inventory", lambda _: few)
    assert "are 1500, and each start begins with 3340 logins" in refused("lab")
    quiet = inventory(storms=False)
    monkeypatch.setattr(deployment, "read_inventory", lambda _: quiet)
    assert "no storm may be rung" in refused("lab")
    assert lab.starts == 0
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def seeded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have people in the drives, and all of them their papers."""
    monkeypatch.setattr(commands, "in_cells", lambda *_: {"exam": 300.0})
    monkeypatch.setattr(seeding, "fill", lambda *_, **__: seeding.Seeded())


@pytest.mark.usefixtures("seeded")
def test_exams_that_cannot_be_sat_are_refused_before_anything_is_touched(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exam = ("lab", "--profile", "exam")
    assert "exam has 300 pupils, fewer than 400" in refused(*exam, "--most", "400")
    assert "would have 1 pupils, fewer than 3" in refused(*exam, "--most", "8")
    lacking = seeding.Seeded(failed={2: "exam: elev0000043 lacks Prøve/Opgave.pdf"})
    monkeypatch.setattr(seeding, "fill", lambda *_, **__: lacking)
    said = refused(*exam)
    assert "class 2: exam: elev0000043 lacks Prøve/Opgave.pdf" in said
    assert "run `klokken seed exam`" in said
    assert "\n" not in said
    assert lab.starts == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("seeded")
def test_a_measurement_of_exams_says_how_long_it_takes_too(lab: Lab) -> None:
    lab.foreign = 0.5
    done = run("lab", "--profile", "exam")
    assert "24 storms over 3 fresh starts, about 49 minutes in all, at most 74" in done.output
    done = run("lab", "--profile", "minute", "--profile", "exam")
    assert "48 storms over 3 fresh starts, about 71 minutes in all, at most 117" in done.output


def test_a_run_of_another_stack_is_not_gone_on_with(lab: Lab, tmp_path: Path) -> None:
    lab.foreign = 0.5
    assert "when it is quiet" in refused("lab")
    [folder] = tmp_path.iterdir()
    with pytest.raises(InputError, match="is of stack lab"):
        CliRunner().invoke(
            cli, ["measure", "other", "--resume", folder.name], catch_exceptions=False
        )
    text = (folder / "steps.jsonl").read_text()
    (folder / "steps.jsonl").write_text(text + '{"kind": "st')
    done = run("lab", "--resume", folder.name)
    assert "line 2 is torn and was dropped" in done.stderr
