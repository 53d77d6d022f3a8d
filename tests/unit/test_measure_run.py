"""A whole measurement, of a lab whose truth is known because it is simulated."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from klokken.capacity.demands import Demands
from klokken.capacity.measure import report
from klokken.capacity.measure.accounts import Accounts
from klokken.capacity.measure.analysis import UnfitError
from klokken.capacity.measure.knee import guessed
from klokken.capacity.measure.measurement import Known, Measurement, measured
from klokken.capacity.measure.picture import picture
from klokken.capacity.measure.run import Run
from klokken.capacity.measure.schedule import COLD, WARM
from klokken.capacity.measure.steps import NAME, Steps
from klokken.capacity.measure.summary import summary
from klokken.capacity.measure.warmth import warmth
from klokken.errors import MachineError
from klokken.topology import Tier
from tests.unit.synthetic_lab import (
    ACCOUNTS,
    BASE,
    FACTOR,
    IDLE,
    PLATFORM,
    TRUTH,
    Lab,
    plan,
    start,
    step,
)
from tests.unit.test_report import words

if TYPE_CHECKING:
    from pathlib import Path

    from klokken.capacity.measure.usage import Usage

pytestmark = pytest.mark.heavy

KNOWN = Known(BASE, PLATFORM, ACCOUNTS)
# The second start is unlucky: its logins cost a third more.
LUCK = (1.0, 1.3, 1.05)


def rung(folder: Path, lab: Lab) -> Steps:
    steps = Steps.begin(folder / NAME, plan())
    Run(lab, steps, BASE, lambda _: None).go_on()
    return steps


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> Steps:
    """Return every step of a lab whose readings are 2 % off."""
    return rung(tmp_path_factory.mktemp("measure") / "run", Lab(noise=0.02, luck=LUCK))


@pytest.fixture(scope="module")
def found(steps: Steps) -> tuple[Measurement, Demands]:
    """Return what those steps say."""
    return measured(steps, KNOWN)


def test_what_a_login_costs_is_found_within_its_interval(
    found: tuple[Measurement, Demands],
) -> None:
    for fit in found[0].tiers:
        demand, truth = fit.demand["login"], TRUTH[fit.tier]
        assert demand.low <= truth <= demand.high, fit.tier
        assert fit.idle.low <= IDLE[fit.tier] <= fit.idle.high
        assert sum(fit.groups["login"].values()) == pytest.approx(demand.value, rel=0.2, abs=1e-3)


def test_the_upper_end_is_that_of_the_unlucky_start(found: tuple[Measurement, Demands]) -> None:
    identity = next(fit for fit in found[0].tiers if fit.tier is Tier.IDENTITY)
    by_start = [start.demand["login"].value for start in identity.starts]
    assert by_start == pytest.approx([TRUTH[Tier.IDENTITY] * luck for luck in LUCK], rel=0.1)
    demand = identity.demand["login"]
    assert demand.value == median(by_start)
    assert demand.high >= TRUTH[Tier.IDENTITY] * max(LUCK)


def test_division_alone_counts_what_is_used_with_nobody_there(
    found: tuple[Measurement, Demands],
) -> None:
    for fit in found[0].tiers:
        assert fit.check["login"] > fit.demand["login"].value


def test_cold_and_warming_logins_are_kept_apart(
    steps: Steps, found: tuple[Measurement, Demands]
) -> None:
    [warmth] = found[0].warmth
    assert warmth.tier is Tier.IDENTITY
    assert warmth.cold.factor.value == pytest.approx(FACTOR["cold"], rel=0.1)
    assert warmth.warming.factor.value == pytest.approx(FACTOR["warming"], rel=0.1)
    for number in (1, 2, 3):
        cold, warming = (s for s in steps.of(number) if s.phase in {"cold", "warming"})
        assert COLD <= cold.completed < COLD + 15
        assert WARM <= cold.completed + warming.completed < WARM + 15
        assert warming.began == cold.began + cold.seconds


def test_the_largest_step_of_each_start_is_predicted_without_it(
    steps: Steps, found: tuple[Measurement, Demands]
) -> None:
    measurement = found[0]
    assert steps.rates is not None
    largest = steps.rates.rates["minute"][-1]
    assert [(each.start, each.rate) for each in measurement.held_out] == [
        (number, largest) for number in (1, 2, 3)
    ]
    for each in measurement.held_out:
        assert {"throughput", "utilisation of identity", "p50", "p95", "p99"} <= {
            figure.what for figure in each.figures
        }
        for figure in each.figures:
            assert figure.kept, (each.start, figure)
    assert measurement.predicted_well


def told_of(folder: Path, lab: Lab, most: float) -> Measurement:
    steps = Steps.begin(folder / "run" / NAME, plan(most={"minute": most}))
    Run(lab, steps, BASE, lambda _: None).go_on()
    return measured(steps, KNOWN)[0]


def test_a_site_that_falls_short_of_what_its_demands_promise_fails_the_prediction(
    tmp_path: Path,
) -> None:
    # Something that is no CPU lets no more through, such as a lock.
    found = told_of(tmp_path, Lab(most=12.5), 16.0)
    for each in found.held_out:
        throughput = each.figures[0]
        assert each.rate == 16.0
        assert "journeys were completed of" in each.short[0]
        assert throughput.what == "throughput"
        assert throughput.error > 0.1
    assert not found.predicted_well
    assert "of which the site fell short" in summary(found, tmp_path)


def test_a_site_without_a_core_left_is_predicted_to_complete_fewer_than_come(
    tmp_path: Path,
) -> None:
    found = told_of(tmp_path, Lab(most=19.0), 24.0)
    assert len(found.held_out) == 3
    for each in found.held_out:
        throughput = each.figures[0]
        assert each.rate == 24.0
        assert throughput.predicted < 0.9 * each.rate
        assert throughput.kept
    # Where the rate below fell short as well, it was rung again, and nothing is fitted to it.
    assert found.excluded
    assert all(" 21 minute a second" in line for line in found.excluded)


def test_a_machine_is_full_where_it_has_no_core_left(
    found: tuple[Measurement, Demands],
) -> None:
    full = found[0].saturation["login"]
    free = 2 - sum(IDLE.values()) - Lab().foreign
    assert full.low <= free / (sum(TRUTH.values()) + 0.05 * TRUTH[Tier.IDENTITY]) <= full.high


def test_the_knee_is_the_highest_rate_that_keeps_the_service_levels(
    found: tuple[Measurement, Demands],
) -> None:
    knee, full = found[0].knee["minute"], found[0].saturation["login"]
    assert 0 < knee.low <= knee.value <= knee.high
    # Who comes at random waits long before no core is left.
    assert 0.7 * full.value < knee.value < full.value
    assert knee.low <= full.low
    # All hosts are on one machine, so none of them can be missed by itself.
    assert found[0].down == []


def test_other_resources_have_figures_of_their_own(found: tuple[Measurement, Demands]) -> None:
    by_name = {(each.place, each.what): each for each in found[0].resources}
    written = by_name["database", "written by processes"]
    assert written.each["login"].value == pytest.approx(8192, rel=0.01)
    assert by_name["identity", "memory"].idle.value == pytest.approx(1e9)
    assert by_name["identity", "connections"].each["login"].value == pytest.approx(0, abs=1e-6)
    writes = by_name["the machine", "disk writes"]
    assert writes.each["login"].value == pytest.approx(100 * TRUTH[Tier.DATABASE], rel=0.2)


def test_the_file_of_demands_can_be_simulated_and_sums_to_what_was_measured(
    found: tuple[Measurement, Demands], tmp_path: Path
) -> None:
    measurement, demands = found
    path = tmp_path / "demands.yaml"
    path.write_text(yaml.safe_dump(demands.model_dump(mode="json", exclude_unset=True)))
    read = Demands.read(path)
    assert read == demands
    login = read.journeys["login"]
    for fit in measurement.tiers:
        if fit.tier not in login.tiers:
            continue
        works = [read.work[request.name][fit.tier] for request in login.requests]
        works += [read.connection] * (fit.tier is Tier.EDGE)
        for at in ("low", "value", "high"):
            whole = getattr(fit.demand["login"], at)
            assert sum(work.at(at) for work in works) == pytest.approx(whole, rel=1e-3)
        assert all("Measured on stack lab" in work.source for work in works)
        assert {work.runs for work in works} == {3 * 7}
    # What was not measured is as it was, and says so.
    assert read.resources[Tier.EDGE].memory_gb == BASE.resources[Tier.EDGE].memory_gb
    sent, writes = (
        read.resources[Tier.EDGE].visit_kb,
        read.resources[Tier.DATABASE].visit_writes,
    )
    assert sent is not None
    assert writes is not None
    # The lab sends 100 kB for a second of CPU, and a login asks three times.
    assert sent.value == pytest.approx(100 * TRUTH[Tier.EDGE] / 3, rel=0.1)
    assert writes.value == pytest.approx(100 * TRUTH[Tier.DATABASE] / 3, rel=0.2)
    assert "shared out over the tiers by the bytes" in writes.source
    assert read.work["open"] == BASE.work["open"]
    assert read.journeys == BASE.journeys
    assert read.warmth[Tier.IDENTITY].cold.runs == 3
    # A login is three requests, of which each of so many hosts gets its part.
    hosts = found[0].plan.nodes[Tier.IDENTITY]
    assert read.warmth[Tier.IDENTITY].cold.visits == 500 * 3 / hosts
    assert read.warmth[Tier.IDENTITY].warming.visits == 1000 * 3 / hosts


def test_people_see_demands_errors_and_whose_figures_to_size_from(
    found: tuple[Measurement, Demands], tmp_path: Path
) -> None:
    shown = summary(found[0], tmp_path)
    assert shown.startswith("MEASURED on lab: 33 steps over 3 fresh starts, 0 excluded")
    assert "by division" in shown
    assert "held out, start 2" in shown
    assert "those of the unlucky start" in shown
    assert "minute: fitted to 7, 7, 7 of 8 rates by start, one more held out" in shown
    assert "every minute keeps its service levels up to" in shown
    assert "and no host down" in shown
    assert "CHECK" not in shown


def test_division_that_lies_beyond_the_interval_of_its_own_start_is_told(
    found: tuple[Measurement, Demands], tmp_path: Path
) -> None:
    [identity] = [fit for fit in found[0].tiers if fit.tier is Tier.IDENTITY]
    lucky, unlucky, other = identity.starts
    # As dear as the unlucky start was, which is no excuse for a lucky one.
    wrong = lucky.model_copy(update={"apart": unlucky.apart})
    assert wrong.apart["login"] < identity.demand["login"].high
    starts = [wrong, unlucky, other]
    fits = [
        fit.model_copy(update={"starts": starts}) if fit is identity else fit
        for fit in found[0].tiers
    ]
    shown = summary(found[0].model_copy(update={"tiers": fits}), tmp_path)
    [told] = [line for line in shown.splitlines() if "CHECK" in line]
    assert "identity: in start 1 CPU by completions" in told
    assert "more than 10% beyond the" in told


def test_where_the_largest_rate_was_excluded_the_next_is_held_out_and_that_is_said(
    steps: Steps, found: tuple[Measurement, Demands], tmp_path: Path
) -> None:
    assert steps.rates is not None
    largest = steps.rates.rates["minute"][-1]
    every = [
        s.model_copy(update={"excluded": ["late"]})
        if (s.start, s.phase, s.rate) == (2, "warm", largest)
        else s
        for s in steps.steps
    ]
    shown = summary(found[0].model_copy(update={"steps": every}), tmp_path)
    assert "minute: fitted to 7, 6, 7 of 8 rates by start" in shown
    assert f"minute, start 2: {largest:g} a second was excluded, so" in shown


def test_the_plot_is_the_same_whenever_it_is_drawn(
    steps: Steps, found: tuple[Measurement, Demands]
) -> None:
    one, other = (picture(found[0], steps.plan.profiles[0]) for _ in range(2))
    assert one == other
    assert ET.fromstring(one).tag.endswith("svg")  # noqa: S314 - drawn a line above
    assert "knee" in one


def test_the_report_says_what_a_login_costs_with_the_plot_in_it(
    found: tuple[Measurement, Demands],
) -> None:
    one = found[0]
    page = report.render(one)
    text = words(page)
    whole = sum(fit.demand["login"].value for fit in one.tiers)
    assert f"A login costs {1000 * whole:.1f} ms of CPU" in text
    assert text.index("Et login koster") < text.index("Resten er for teknikere")
    assert page.count('<svg class="drawn"') == 1
    assert page == report.render(one)
    for each in one.held_out:
        assert f"Held out, start {each.start}: {each.rate:g} minute a second" in text
    for fit in one.tiers:
        demand = fit.demand["login"]
        ends = (f"{1000 * value:.2f}" for value in (demand.value, demand.low, demand.high))
        assert f"{fit.tier} {' '.join(ends)}" in text
    assert f"{one.knee['minute'].low:.1f} simuleret; " in text


def test_a_measurement_that_predicted_badly_says_so_first(
    found: tuple[Measurement, Demands],
) -> None:
    first, *others = found[0].held_out
    off = first.figures[0].model_copy(update={"predicted": 9e9, "limit": 0.1})
    bad = [first.model_copy(update={"figures": [off]}), *others]
    page = report.render(found[0].model_copy(update={"held_out": bad}))
    assert '<header class="hero fail">' in page
    assert "do not use these demands" in page


def test_a_measurement_says_the_same_when_it_is_read_again(
    steps: Steps, found: tuple[Measurement, Demands]
) -> None:
    again, demands = measured(Steps.read(steps.path), KNOWN)
    assert demands == found[1]
    assert again.model_dump(exclude={"finished"}) == found[0].model_dump(exclude={"finished"})


def test_a_measurement_that_was_killed_goes_on_where_it_was(steps: Steps, tmp_path: Path) -> None:
    lab = Lab(noise=0.02, luck=LUCK)
    whole = Steps.begin(tmp_path / "run" / NAME, plan())
    killed = lab.ring

    def ring(*given: object) -> object:
        if len(lab.rung) == 15:
            raise KeyboardInterrupt
        return killed(*given)  # type: ignore[arg-type]

    lab.ring = ring  # type: ignore[method-assign, assignment]
    with pytest.raises(KeyboardInterrupt):
        Run(lab, whole, BASE, lambda _: None).go_on()
    lab.ring = killed  # type: ignore[method-assign]
    again = Steps.read(whole.path)
    assert len(again.steps) == 3 + 8 + 3 + 5
    Run(lab, again, BASE, lambda _: None).go_on()
    assert lab.starts == 3
    assert [step.rate for step in again.steps] == [step.rate for step in steps.steps]
    Run(lab, again, BASE, lambda _: None).go_on()
    assert len(lab.rung) == 3 * 9


def test_a_start_whose_services_began_anew_is_measured_anew(tmp_path: Path) -> None:
    lab, said = Lab(), list[str]()
    steps = rung(tmp_path / "run", lab)
    lines = steps.path.read_bytes().splitlines(keepends=True)
    steps.path.write_bytes(b"".join(lines[:-1]))
    lab.restart()
    again = Steps.read(steps.path)
    Run(lab, again, BASE, said.append).go_on()
    assert "start 3: the services began anew since; so does its measurement" in said
    assert lab.starts == 5
    assert {step.usage.begun["identity1"] for step in again.of(3)} == {5000.0}


def test_nothing_is_rung_while_others_use_the_machine(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match=r"others used 0.50 .* limit 0.20 .*when it is quiet"):
        rung(tmp_path / "run", Lab(foreign=0.5))


def test_nothing_is_rung_where_prometheus_reads_nothing(tmp_path: Path) -> None:
    lab = Lab()
    unread = lab.now().model_copy(update={"gaps": ["edge1: not read at an edge of the step"]})
    lab.now = lambda: unread  # type: ignore[method-assign]
    with pytest.raises(MachineError, match=r"\(edge1: not read .*\); see `klokken check lab`"):
        rung(tmp_path / "run", lab)
    assert lab.starts == 0


@dataclass
class Restless(Lab):
    """A lab whose cold logins of the first `restless` starts cannot be told."""

    restless: int = 1

    def usage(self, begin: float, end: float) -> Usage:
        found = super().usage(begin, end)
        if self.starts <= self.restless and len(self.ended) == 3340:
            return found.model_copy(update={"gaps": ["edge1: not read for 12 s"]})
        return found


def test_a_start_whose_cold_logins_do_not_count_begins_again(tmp_path: Path) -> None:
    lab, said = Restless(), list[str]()
    steps = Steps.begin(tmp_path / "run" / NAME, plan(most={"minute": 16.0}))
    # The knee cannot be guessed from them either, and need not be.
    Run(lab, steps, BASE, said.append).go_on()
    assert "start 1 does not count; it begins again" in said
    assert lab.starts == 4
    assert [step.excluded for step in steps.of(1) if step.phase == "cold"] == [[]]
    [warmth] = measured(steps, KNOWN)[0].warmth
    assert set(warmth.cold.by_start) == {1, 2, 3}


def test_a_start_that_never_counts_ends_the_measurement_and_can_be_gone_on_with(
    tmp_path: Path,
) -> None:
    lab = Restless(restless=2)
    steps = Steps.begin(tmp_path / "run" / NAME, plan(most={"minute": 16.0}))
    with pytest.raises(MachineError, match=r"cold: edge1: not read .* --resume run"):
        Run(lab, steps, BASE, lambda _: None).go_on()
    lab.restless = 0
    again = Steps.read(steps.path)
    Run(lab, again, BASE, lambda _: None).go_on()
    assert {step.start for step in again.warm()} == {1, 2, 3}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"completed": 0}, "none was completed"),
        ({"excluded": ["edge1: not read for 12 s"]}, "edge1: not read for 12 s"),
    ],
)
def test_a_knee_is_not_guessed_from_logins_that_do_not_count(
    changes: dict[str, Any], says: str
) -> None:
    body = plan()
    with pytest.raises(MachineError, match=rf"cannot be guessed .*{says}.* --most"):
        guessed(body, BASE, Accounts(ACCOUNTS, body), start(1), step(8.0, phase="guess", **changes))


def test_factors_of_too_few_starts_are_refused(steps: Steps) -> None:
    fits = measured(steps, KNOWN)[0].tiers
    left = [s for s in steps.steps if (s.start, s.phase) != (2, "cold")]
    with pytest.raises(UnfitError, match="the cold logins of start 2 do not count"):
        warmth(left, fits)


def test_hosts_of_their_own_machines_have_their_own_cores_and_knee(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("servers") / "run"
    cores = {**dict.fromkeys(TRUTH, 2), Tier.EDGE: 4}
    steps = Steps.begin(folder / NAME, plan(shared=False, cores=cores, most={"minute": 14.0}))
    Run(Lab(), steps, BASE, lambda _: None).go_on()
    found, _ = measured(steps, KNOWN)
    free = cores[Tier.IDENTITY] - IDLE[Tier.IDENTITY]
    assert found.saturation["login"].value == pytest.approx(free / TRUTH[Tier.IDENTITY], rel=0.01)
    # It has two hosts of the edge, one of which may be down.
    assert found.down == [Tier.EDGE]
    assert 0 < found.knee["minute"].low <= found.saturation["login"].value
    assert {each.rate for each in found.held_out} == {14.0}
    throughput = found.held_out[0].figures[0]
    assert throughput.what == "throughput"
    assert throughput.kept
