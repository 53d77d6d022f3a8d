"""The benchmark of measuring: what it writes of runs, and which runs it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from benchmarks.facts import DOCUMENTS
from benchmarks.measuring.__main__ import compare, main
from benchmarks.measuring.document import document, goals
from benchmarks.measuring.outcome import Comparison
from klokken.errors import Exit, InputError

if TYPE_CHECKING:
    from pathlib import Path

    from klokken.capacity.measure.measurement import Measurement


@pytest.fixture(scope="module")
def found() -> Comparison:
    """Return what was last measured."""
    return Comparison.model_validate_json((DOCUMENTS / "measuring.json").read_bytes())


def kept(folder: Path, run: Measurement) -> Path:
    """Put a run into a folder as `klokken measure` leaves it."""
    folder.mkdir()
    (folder / "measure.json").write_text(run.model_dump_json(), encoding="utf-8")
    return folder


def off(run: Measurement, what: str, factor: float) -> Measurement:
    """Return the run with a figure of its first held-out step predicted otherwise."""
    first = run.held_out[0]
    figures = [
        f.model_copy(update={"predicted": f.measured * factor}) if f.what == what else f
        for f in first.figures
    ]
    others = run.held_out[1:]
    changed = [first.model_copy(update={"figures": figures}), *others]
    return run.model_copy(update={"held_out": changed})


@pytest.mark.parametrize(
    ("what", "factor", "said"),
    [
        ("p95", 1.3, "| p95 of what pupils wait for in it within 25% | **no** |"),
        ("throughput", 0.8, "| throughput of the largest storm within 10% | **no** |"),
        ("utilisation of identity", 1.2, "| cores of each tier in it within 10% | **no** |"),
    ],
)
def test_a_prediction_beyond_its_limit_is_said(
    found: Comparison, what: str, factor: float, said: str
) -> None:
    worse = found.model_copy(update={"runs": [off(found.runs[0], what, factor)]})
    assert said in goals(worse)
    assert f"**{factor - 1:+.1%}**" in document(worse)


def test_fewer_than_five_starts_are_said_to_be_too_few(found: Comparison) -> None:
    run = found.runs[0].model_copy(update={"starts": found.runs[0].starts[:4]})
    row = goals(found.model_copy(update={"runs": [run]})).splitlines()[-1]
    assert "| **no** | 4 of `minute` |" in row


def test_runs_are_read_as_they_were_left(found: Comparison, tmp_path: Path) -> None:
    folders = [kept(tmp_path / run.plan.run, run) for run in found.runs]
    assert compare(folders) == found


def test_runs_of_two_machines_are_not_set_side_by_side(found: Comparison, tmp_path: Path) -> None:
    run = found.runs[0]
    machine = run.plan.machine.model_copy(update={"cpu_model": "another"})
    other = run.model_copy(update={"plan": run.plan.model_copy(update={"machine": machine})})
    folders = [kept(tmp_path / "one", run), kept(tmp_path / "two", other)]
    with pytest.raises(InputError, match="two: machine: is another than the first run's; give"):
        compare(folders)


def test_a_run_that_is_not_over_is_refused_in_one_line(tmp_path: Path) -> None:
    told = CliRunner().invoke(main, [str(tmp_path)])
    assert told.exit_code == Exit.BAD_INPUT
    assert len(told.stderr.splitlines()) == 1
    assert "measure.json: cannot be read" in told.stderr
