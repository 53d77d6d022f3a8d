"""What a measurement puts down: whole lines, which a later one goes on behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from klokken.capacity.measure.schedule import Turn, next_turn, steady_rates, turns
from klokken.capacity.measure.steps import NAME, Rates, Step, Steps
from klokken.errors import InputError, MachineError
from tests.unit.synthetic_lab import plan, start, step

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the file of a measurement with a start, its rates and two steps."""
    steps = Steps.begin(tmp_path / "run" / NAME, plan())
    steps.add(start(1))
    steps.add(Rates(knee=20.0, rates={"minute": [1.0, 2.0]}))
    steps.add(step(rate=1.0))
    steps.add(step(rate=2.0))
    return steps.path


def test_what_was_put_down_is_read_back(path: Path) -> None:
    found = Steps.read(path)
    assert found.plan == plan()
    assert found.rates is not None
    assert [each.rate for each in found.of(1)] == [1.0, 2.0]
    assert found.starts[1].begun == {"identity1": 1000.0}
    assert not found.torn


def test_a_torn_last_line_is_dropped_said_and_written_over(path: Path) -> None:
    whole = path.read_bytes()
    for cut in (1, 2, 100, 1000):
        path.write_bytes(whole[:-cut])
        found = Steps.read(path)
        assert [each.rate for each in found.steps] == [1.0]
        assert found.torn == f"{path}: line 5 is torn and was dropped"
    found.add(step(rate=3.0))
    again = Steps.read(path)
    assert [each.rate for each in again.steps] == [1.0, 3.0]
    assert not again.torn


def test_a_file_that_is_damaged_before_its_end_is_refused_in_one_line(path: Path) -> None:
    lines = path.read_text().splitlines(keepends=True)
    for number, damaged in enumerate(lines, 1):
        path.write_text("".join([*lines[: number - 1], damaged[:40] + "\n", *lines[number:]]))
        with pytest.raises(InputError, match=f"line {number}: is not a whole line") as told:
            Steps.read(path)
        assert "\n" not in str(told.value)


def test_a_file_without_a_plan_or_with_two_is_refused(path: Path) -> None:
    lines = path.read_text().splitlines(keepends=True)
    for text, says in (
        ("", "holds no whole line"),
        (lines[0][:50], "holds no whole line"),
        ("".join(lines[1:]), "is not the plan"),
        (lines[0] * 2, "line 2: is a second plan"),
    ):
        path.write_text(text)
        with pytest.raises(InputError, match=says):
            Steps.read(path)
    with pytest.raises(InputError, match="cannot be read"):
        Steps.read(path.with_name("none"))


def test_a_start_that_is_made_again_takes_its_steps_with_it(path: Path) -> None:
    found = Steps.read(path)
    found.add(start(1))
    assert found.steps == Steps.read(path).steps == []


def test_a_full_disk_is_told_in_one_line(path: Path) -> None:
    found = Steps.read(path)
    path.unlink()
    path.symlink_to("/dev/full")
    with pytest.raises(MachineError, match="No space left on device"):
        found.add(step())
    with pytest.raises(MachineError, match="cannot be made"):
        Steps.begin(path / "file" / NAME, plan())


def test_rates_are_even_and_end_at_the_highest() -> None:
    assert steady_rates(16.0, 8) == [2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0]


def test_each_start_rings_every_rate_in_an_order_of_its_own() -> None:
    rates = {"minute": steady_rates(16.0, 8)}
    orders = [turns(plan(repeats=2), rates, number) for number in (1, 2, 3)]
    for order in orders:
        assert sorted(turn.rate for turn in order) == sorted(rates["minute"] * 2)
        assert [turn.rate for turn in order] != sorted(turn.rate for turn in order)
        # The largest are held out, and rung when the node is as warm as for the others on average.
        assert [turn.rate for turn in order[7:9]] == [16.0, 16.0]
    assert orders[0] != orders[1]
    assert orders[0] == turns(plan(repeats=2), rates, 1)
    assert orders[0] != turns(plan(repeats=2, seed=2), rates, 1)


def test_what_was_excluded_is_rung_once_more_and_after_all_others() -> None:
    every = [Turn("minute", rate, 0) for rate in (1.0, 2.0, 3.0)]
    rung: list[Step] = []

    def ring(*, excluded: bool) -> float:
        turn = next_turn(every, rung)
        assert turn is not None
        rung.append(step(rate=turn.rate, excluded=["late"] * excluded))
        return turn.rate

    assert [ring(excluded=rate < 3) for rate in (1, 2, 3)] == [1.0, 2.0, 3.0]
    assert ring(excluded=True) == 1.0
    assert ring(excluded=False) == 2.0
    assert next_turn(every, rung) is None


def test_where_the_site_falls_short_at_the_largest_rate_it_is_not_asked_again() -> None:
    every = [Turn("minute", rate, 0) for rate in (1.0, 2.0)]
    rung = [step(rate=rate, short=["20 journeys were completed of 30 offered"]) for rate in (1, 2)]
    assert next_turn(every, rung) == every[0]
    late = step(rate=2.0, excluded=["late"], short=["20 journeys were completed of 30 offered"])
    assert next_turn(every, [step(rate=1.0), late]) == every[1]
