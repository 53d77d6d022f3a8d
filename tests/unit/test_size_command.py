"""`klokken size` and `klokken waves`: what a person gives, gets and is told."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from click.testing import CliRunner

from klokken import stackconfig
from klokken.capacity.pricelist import PRICES
from klokken.capacity.simulation import Missed
from klokken.capacity.sizing import commands, pictures, report, run, stack
from klokken.capacity.sizing.asked import waits
from klokken.capacity.sizing.proof import Proof
from klokken.capacity.sizing.run import Sized, size
from klokken.capacity.sizing.summary import summary
from klokken.capacity.sizing.task import Choices, task
from klokken.errors import InputError
from klokken.paths import PROJECT
from klokken.report.numbers import danish
from klokken.stackconfig import StackConfig
from klokken.topology import Tier
from tests.unit.test_report import words
from tests.unit.test_simulate_command import DEMANDS, changed

if TYPE_CHECKING:
    from pathlib import Path

    from klokken.capacity.sizing.search import Plan
    from klokken.curve import Floats

TODAY = date(2026, 11, 22)
SMALL = Choices("south-schleswig", providers=("hetzner",))


@pytest.fixture(scope="module")
def sized() -> Sized:
    return size(SMALL, TODAY)


@pytest.fixture(scope="module")
def with_drives() -> Sized:
    return size(Choices("morning", providers=("hetzner",)), TODAY)


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    """Return a price list of today, whatever the day."""
    today = datetime.now(UTC).date()
    written = yaml.safe_load((PRICES / "hetzner.yaml").read_text())
    path = tmp_path / "hetzner.yaml"
    path.write_text(yaml.safe_dump({**written, "dated": today, "valid_until": today}))
    return path


@pytest.mark.heavy
def test_every_minute_keeps_every_service_level_with_a_host_of_a_tier_down(sized: Sized) -> None:
    found = sized.answer
    assert [morning.down for morning in found.mornings] == [None, Tier.EDGE, Tier.IDENTITY]
    for morning in found.mornings:
        assert morning.missed == []
        assert morning.completed == morning.offered == 6500
        for minute in morning.minutes:
            busy = dict(minute.utilisation)
            assert max(busy.values()) <= 1 - found.headroom + 0.02


@pytest.mark.heavy
def test_an_exam_is_sized_for_all_who_begin_at_once_and_hand_in(tmp_path: Path) -> None:
    found = size(Choices("spelling", providers=("hetzner",)), TODAY).answer
    assert [morning.down for morning in found.mornings] == [None, Tier.EDGE, Tier.IDENTITY]
    for morning in found.mornings:
        assert morning.missed == []
        assert morning.completed == morning.offered == 300
    [drive] = [tier for tier in found.tiers if tier.tier is Tier.DRIVE]
    assert drive.bound == "CPU"
    # A whole exam is no wait, but its requests are.
    assert "p99 of the slowest minute 0.00 s" not in summary(found, tmp_path)


@pytest.mark.heavy
def test_the_exact_level_is_as_busy_as_the_search_reckoned(sized: Sized) -> None:
    short = sized.answer.mornings[-1]
    [identity] = [tier for tier in sized.answer.tiers if tier.tier is Tier.IDENTITY]
    peak = max(minute.utilisation["identity"] for minute in short.minutes)
    # The busiest minute on the clock is at most the busiest sixty seconds.
    assert 0.8 * identity.used["CPU"] <= peak <= identity.used["CPU"] + 0.01


@pytest.mark.heavy
def test_the_price_is_that_of_all_hosts_storage_and_balancers(sized: Sized) -> None:
    found = sized.answer
    tiers = sum(tier.month_eur for tier in found.tiers)
    extras = sum(found.extras_month_eur.values())
    whole = tiers + 2 * found.single_month_eur + extras
    assert found.cost.month_eur == pytest.approx(whole, abs=0.05)
    assert found.cost.month_dkk == pytest.approx(found.cost.month_eur * 7.46038, abs=0.05)
    assert found.cost.year_dkk == pytest.approx(12 * found.cost.month_dkk, abs=0.5)
    assert found.cost.share_of_budget == pytest.approx(found.cost.year_dkk / 21e6, abs=1e-4)


@pytest.mark.heavy
def test_pictures_are_the_same_whenever_they_are_drawn(sized: Sized, tmp_path: Path) -> None:
    drawn = []
    for name in ("one", "other"):
        folder = tmp_path / name
        folder.mkdir()
        names = pictures.put_down(sized, folder)
        drawn.append([(folder / file).read_bytes() for file in names])
    assert drawn[0] == drawn[1]
    assert [text[:5] for text in drawn[0]] == [b"<?xml"] * 3
    backlog, utilisation, cost = (text.decode() for text in drawn[0])
    for by_the_clock in (backlog, utilisation):
        assert ">07:58<" in by_the_clock
        assert ">08:04<" in by_the_clock
    # What a platform without a drive would cost without its drives is no line of its own.
    assert "without the" not in cost


@pytest.mark.heavy
def test_the_picture_of_who_waits_knows_how_fast_the_cores_are(
    sized: Sized, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[float] = []

    def watched(load: Floats, cores: float) -> Floats:
        given.append(cores)
        return waits(load, cores)

    monkeypatch.setattr(pictures, "waits", watched)
    speed = sized.prices.core_speed.model_copy(update={"value": 0.5})
    slow = sized.prices.model_copy(update={"core_speed": speed})
    pictures.put_down(replace(sized, prices=slow), tmp_path)
    fit = sized.plan.fits[Tier.IDENTITY]
    assert given[0] == fit.up * fit.cores * 0.5


@pytest.mark.heavy
def test_the_report_says_how_large_and_how_dear_with_the_pictures_in_it(
    with_drives: Sized, tmp_path: Path
) -> None:
    found = with_drives.answer
    page = report.render(found, with_drives.title, pictures.put_down(with_drives, tmp_path))
    text = words(page)
    assert f"{found.hosts} servere, {danish(found.cost.month_dkk)} kr. om måneden" in text
    assert f"{found.hosts} hosts, {found.cost.month_dkk:,.0f} DKK a month" in text
    assert "Så kommer alle 300 elever ind" in text
    assert "with a host of edge or identity missing as well." in text
    assert text.count("of a site's 315 get through.") == len(found.takeovers) == 2
    assert "The demands were not tried on a held-out step." in text
    assert page.count('<svg class="drawn"') == 3
    for tier in found.tiers:
        assert f"{tier.tier} {tier.hosts} {tier.may_be_down} {tier.kind}" in text
    assert "one host of identity down 315 315" in text
    assert "a host of drive dies, another takes over 900 s later 315" in text
    assert "Hetzner Cloud 2026-08-17 1" in text


@pytest.mark.heavy
def test_the_command_prints_writes_and_draws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prices: Path
) -> None:
    monkeypatch.setattr(run, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(stackconfig, "PROJECT", tmp_path)
    arguments = ["south-schleswig", "--prices", str(prices), "--compare", "minute"]
    shown = CliRunner().invoke(commands.size, [*arguments, "--write", "sized"])
    assert shown.exit_code == 0, shown.output
    assert shown.output.startswith("SIMULATED: south-schleswig, 6,500 pupils, journey login")
    for said in ("it is no measurement", "unlucky start", "Side by side", "of the 21 million"):
        assert said in shown.output
    [folder] = (tmp_path / "results").glob("*-sizing-south-schleswig")
    files = sorted(path.name for path in folder.iterdir())
    assert files == ["backlog.svg", "cost.svg", "report.html", "sizing.json", "utilisation.svg"]
    assert json.loads((folder / "sizing.json").read_text())["kind"] == "SIMULATED"
    config = StackConfig.read("sized")
    assert config.site.accounts == 6500
    assert not config.storms
    again = CliRunner().invoke(commands.size, [*arguments, "--write", "sized"])
    assert isinstance(again.exception, InputError)
    assert "Pulumi.sized.yaml: is there already" in str(again.exception)


@pytest.mark.heavy
def test_a_written_stack_has_the_hosts_that_were_sized_and_limits_to_match(
    sized: Sized, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stackconfig, "PROJECT", tmp_path)
    said = stack.write("sized", sized)
    assert any("no standby" in line for line in said)
    tiers = StackConfig.read("sized").site.tiers
    fits = sized.plan.fits
    assert tiers[Tier.IDENTITY].count == fits[Tier.IDENTITY].hosts
    assert tiers[Tier.EDGE].count == fits[Tier.EDGE].hosts
    assert tiers[Tier.DATABASE].count == 1
    limits = tiers[Tier.DATABASE].variables
    assert limits["database_max_connections"] == 30 * fits[Tier.IDENTITY].hosts + 20


@pytest.mark.heavy
def test_a_cell_that_stands_by_is_no_cell_of_the_stack(
    with_drives: Sized, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stackconfig, "PROJECT", tmp_path)
    stack.write("sized", with_drives)
    drive, fit = StackConfig.read("sized").site.tiers[Tier.DRIVE], with_drives.plan.fits[Tier.DRIVE]
    assert (drive.count, drive.volume_gb) == (fit.up, fit.volume_gb)
    assert fit.hosts == fit.up + 1


@pytest.mark.heavy
def test_what_a_takeover_costs_is_told_and_judges_nothing(
    with_drives: Sized, tmp_path: Path
) -> None:
    found = {one.tier: one for one in with_drives.answer.takeovers}
    assert sorted(found) == [Tier.DATABASE, Tier.DRIVE]
    for one in found.values():
        assert one.takeover_seconds == 900
        assert one.morning.missed
        assert 0 < one.morning.completed < one.morning.offered
    shown = summary(with_drives.answer, tmp_path)
    assert "a host of database dies at" in shown
    assert "one that stands by is there 900 s later" in shown
    assert "not simulated" not in shown


@pytest.mark.heavy
def test_a_journey_without_the_drive_is_sized_without_it_and_that_is_said(
    sized: Sized, with_drives: Sized, tmp_path: Path
) -> None:
    assert sized.answer.unvisited == [Tier.DRIVE]
    assert "Without drive, of which the journey asks nothing" in summary(sized.answer, tmp_path)
    assert with_drives.answer.unvisited == []
    assert with_drives.answer.mornings[-1].completed == 315


@pytest.mark.heavy
def test_a_tier_of_many_hosts_gets_a_network_with_room_for_them(
    sized: Sized, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stackconfig, "PROJECT", tmp_path)
    for number, (hosts, prefix) in enumerate([(20, 24), (21, 23), (40, 23), (41, 22), (100, 21)]):
        fits = dict(sized.plan.fits)
        fits[Tier.IDENTITY] = replace(fits[Tier.IDENTITY], up=hosts - 1)
        # Nothing but a lab holds as many.
        plan = replace(sized.plan, provider="own", fits=fits)
        stack.write(f"sized{number}", replace(sized, plan=plan))
        site = StackConfig.read(f"sized{number}").site
        assert (site.tiers[Tier.IDENTITY].count, site.network.prefixlen) == (hosts, prefix)


@pytest.mark.heavy
def test_json_of_one_profile_is_one_and_of_several_a_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prices: Path
) -> None:
    monkeypatch.setattr(run, "RESULTS", tmp_path)
    plain = ["minute", "--prices", str(prices), "--json"]
    one = CliRunner().invoke(commands.size, plain)
    assert json.loads(one.output)["profile"] == "minute"
    two = CliRunner().invoke(commands.size, [*plain, "--compare", "minute"])
    assert [each["profile"] for each in json.loads(two.output)] == ["minute", "minute"]


@pytest.mark.parametrize(
    ("choice", "says"),
    [
        ({"headroom": 1.0}, "size: headroom: is 1;"),
        ({"headroom": -0.1}, "size: headroom: is -0.1;"),
        ({"cell": 0}, "size: cell: is 0;"),
        ({"providers": ("moon",)}, "provider: moon: there is no price list"),
        ({"prices": PRICES / "own.yaml"}, "size: provider: .*; leave out --prices"),
        (
            {"profile": "denmark-morning", "cell": 50_000},
            r"size: cell: no host of the price lists carries 50,000 pupils .* --cell \d+",
        ),
        (
            {"profile": "denmark-morning", "cell": 419},
            "size: cell: is 419, and a school, .* has 420 pupils; give at least --cell 420",
        ),
        (
            {"profile": "denmark-morning", "cell": 840, "headroom": 0.995},
            "size: cell: no host .* carries 840 pupils .*; give other prices or less headroom",
        ),
    ],
)
def test_a_wrong_choice_is_told_in_one_line(choice: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        size(Choices(**{"profile": "minute", "providers": ("hetzner",), **choice}), TODAY)
    assert "\n" not in str(caught.value)


@pytest.mark.heavy
def test_the_largest_cell_that_is_named_is_taken_and_so_is_any_smaller_one() -> None:
    def cells(pupils: int) -> Choices:
        return Choices("denmark-morning", providers=("hetzner",), cell=pupils)

    with pytest.raises(InputError) as caught:
        task(cells(50_000), TODAY)
    largest = int(str(caught.value).rpartition(" ")[-1])
    for pupils in (largest, 840, 420):
        assert task(cells(pupils), TODAY).rules.cell == pupils
    with pytest.raises(InputError, match=f"give at most --cell {largest}$"):
        task(cells(largest + 1), TODAY)


def test_expired_prices_are_refused() -> None:
    with pytest.raises(InputError, match=r"hetzner\.yaml: valid_until: the prices expired"):
        size(SMALL, date(2028, 1, 1))


def test_a_profile_that_no_host_of_the_list_can_serve_is_refused(tmp_path: Path) -> None:
    written = yaml.safe_load((PRICES / "hetzner.yaml").read_text())
    kinds = {"CPX22": written["hosts"]["CPX22"]}
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump({**written, "hosts": kinds}))
    with pytest.raises(InputError, match=r"hetzner: database needs .* times the memory") as caught:
        size(Choices("minute", prices=path), TODAY)
    assert str(caught.value).startswith("minute: pupils: no topology of the price lists carries it")
    assert "\n" not in str(caught.value)


@pytest.mark.heavy
def test_demands_that_say_nothing_of_memory_are_told_to_be_of_cores_alone(tmp_path: Path) -> None:
    file = tmp_path / "demands.yaml"
    file.write_text(yaml.safe_dump(changed(DEMANDS, "resources", None), sort_keys=False))
    found = size(replace(SMALL, demands=file), TODAY).answer
    assert sorted(found.unsaid) == ["database", "edge", "identity"]
    assert found.takeovers == []
    assert "not simulated: a host of database down" in summary(found, file)
    assert "edge, identity, database takes beside cores: only cores count" in summary(found, file)


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("work/password/identity/value", -0.1, "work.password.identity.value"),
        ("work/password/identity/high", 0.2, "work.password.identity: is up to 0.2 where 0.0245"),
        ("connection/high", 0.01, "connection: is up to 0.01"),
        ("resources/edge/visit_kb/high", 500.0, "resources.edge.visit_kb: is up to 500"),
        ("resources/edge/visit_kb/low", -5.0, "resources.edge.visit_kb.low"),
        ("resources/edge/visit_kb/source", "both", "give either a `source`"),
        ("resources/moon", {}, "resources.moon"),
        (
            "journeys/login/requests",
            [{"name": "login_page", "path": ["edge"]}],
            "journeys.login: does not visit identity",
        ),
        ("work/drives/drive/each_account/low", -1.0, "work.drives.drive.each_account.low"),
    ],
)
def test_demands_that_cannot_be_sized_from_are_refused(
    tmp_path: Path, path: str, value: Any, says: str
) -> None:
    file = tmp_path / "demands.yaml"
    file.write_text(yaml.safe_dump(changed(DEMANDS, path, value), sort_keys=False))
    with pytest.raises(InputError) as caught:
        size(Choices("minute", demands=file, providers=("hetzner",)), TODAY)
    assert str(caught.value).startswith(f"{file}: ")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def predicting(folder: Path, error: float) -> Choices:
    """Return what is to be sized from demands that predicted a storm so far off."""
    file = folder / "demands.yaml"
    told = {"what": "p95", "storm": "start 2, 16 minute a second", "error": error, "limit": 0.25}
    file.write_text(yaml.safe_dump({**DEMANDS, "held_out": [told]}, sort_keys=False))
    return Choices("minute", demands=file, providers=("hetzner",))


UNTRIED = "The demands were not tried on a held-out step: nobody knows how well they predict."


def test_demands_that_predicted_well_are_sized_from(tmp_path: Path) -> None:
    found = size(predicting(tmp_path, -0.24), TODAY).answer
    assert [one.error for one in found.held_out] == [-0.24]
    assert UNTRIED not in summary(found, tmp_path)


@pytest.mark.heavy
def test_demands_that_were_tried_on_nothing_held_out_are_told_to_be(
    sized: Sized, tmp_path: Path
) -> None:
    assert summary(sized.answer, tmp_path).count(UNTRIED) == 1


@pytest.mark.parametrize("error", [0.31, -0.31])
def test_demands_that_predicted_badly_are_not_sized_from(tmp_path: Path, error: float) -> None:
    chosen = predicting(tmp_path, error)
    said = r"held_out: p95 of start 2, 16 minute a second was predicted [+-]31 % off, limit 25 %"
    with pytest.raises(InputError, match=said):
        task(chosen, TODAY)


def test_a_service_level_shorter_than_a_pupil_alone_takes_is_refused(tmp_path: Path) -> None:
    text = (PROJECT / "loadtests/profiles/minute.yaml").read_text()
    written = yaml.safe_load(text)
    for level in written["slo"].values():
        level["p99_seconds"]["value"] = 0.01
    path = tmp_path / "minute.yaml"
    path.write_text(yaml.safe_dump(written))
    with pytest.raises(InputError, match="but a pupil alone takes"):
        size(Choices(str(path), providers=("hetzner",)), TODAY)


@pytest.mark.parametrize("headroom", [0.3, 0.85])
def test_what_the_cheapest_topologies_miss_is_told_of_them_alone(
    headroom: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[Plan] = []

    def missing(plan: Plan, *_: object) -> list[Proof]:
        late = Missed(
            minute=3,
            request_class="login",
            what="p99_seconds",
            limit=3.0,
            measured=4.0,
            kept=False,
        )
        tried.append(plan)
        return [Proof(None, [], [late], 600, 600, "")]

    monkeypatch.setattr(run, "prove", missing)
    chosen = Choices("minute", providers=("hetzner",), headroom=headroom)
    said = r"minute: slo: the cheapest topologies miss it: with \d+ % free, hetzner's has login p99"
    with pytest.raises(InputError, match=said):
        size(chosen, TODAY)
    # More than is left free at last no host of the list has to give.
    assert len(tried) == 5 if headroom == 0.3 else 1 <= len(tried) < 5


def test_prices_without_a_source_are_the_answer_only_where_no_other_is() -> None:
    both = size(Choices("minute", providers=("own", "hetzner")), TODAY).answer
    assert both.provider == "hetzner"
    assert [offer.assumed for offer in both.offers] == [True, False]
    assert size(Choices("minute", providers=("own",)), TODAY).answer.provider == "own"


@pytest.mark.heavy
def test_the_command_waves_says_what_to_add(prices: Path) -> None:
    until = ["--until", f"{datetime.now(UTC).year + 1}-12-31"]
    plain = ["--prices", str(prices), *until]
    shown = CliRunner().invoke(commands.waves, [*plain, "--waves", "2"])
    assert shown.exit_code == 0, shown.output
    assert shown.output.startswith("SIMULATED: denmark-morning in 2 waves on Hetzner Cloud")
    assert "98" in shown.output
    # No morning was simulated, and `size` may have kept more free.
    assert "unproven: where\n  `klokken size denmark-morning` says that it kept" in shown.output
    as_json = CliRunner().invoke(commands.waves, [*plain, "--json"])
    assert len(json.loads(as_json.output)["waves"]) == 5
