from __future__ import annotations

from datetime import time
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from klokken.errors import InputError, StormRefusedError
from klokken.inventory import Everything, Group, Host, Inventory, SiteVars
from klokken.profile import Profile
from klokken.storm import timing
from klokken.storm.attendance import attendance
from klokken.storm.plan import plan_storm
from klokken.topology import Tier


def one(address: str, **own: object) -> Host:
    """Return a host that SSH and its neighbours reach by the same address."""
    return Host.model_validate({"ansible_host": address, "site_address": address, **own})


def inventory(*, storms: bool = True, accounts: int = 6500) -> Inventory:
    site = SiteVars(
        site_stack="lab",
        site_domain="skole.test",
        site_network=IPv4Network("198.18.0.0/24"),
        site_accounts=accounts,
        site_storms=storms,
        ansible_ssh_private_key_file=Path("key"),
        ansible_ssh_common_args="-o UserKnownHostsFile=known",
    )
    hosts = {
        tier: Group(hosts={f"{tier}1": one(f"198.18.0.{11 + 20 * n}")})
        for n, tier in enumerate(Tier)
    }
    return Inventory(all=Everything(vars=site, children=hosts))


def plan(profile: str = "minute", where: Inventory | None = None, **choices: Any) -> Any:
    return plan_storm(
        Profile.named(profile), where or inventory(), **{"run": "a-run", "workers": 2, **choices}
    )


def test_a_plan_holds_everything_that_the_load_generator_needs() -> None:
    made = plan()
    assert made.offered == made.pupils == 600
    assert (made.opens, made.closes) == (time(8), time(8, 1))
    assert made.login_url == "https://login.skole.test"
    assert made.stack == "lab"
    assert type(made).model_validate_json(made.model_dump_json()) == made


def test_a_fraction_of_the_pupils_is_a_smaller_population_of_the_same_curve() -> None:
    made = plan("south-schleswig", fraction=0.1)
    assert made.pupils == made.offered == 650


def test_a_stretch_of_the_morning_offers_those_who_are_due_in_it() -> None:
    made = plan("south-schleswig", opens=time(7, 59, 30), closes=time(8, 0, 30))
    assert made.offered == len(attendance(made, 0, made.pupils))
    # The middle minute of a bell with a spread of two minutes holds erf(0.25 / sqrt 2) of it.
    assert made.offered == pytest.approx(0.1974 * 6500, abs=4 * 32)


@pytest.mark.parametrize(
    ("choices", "field"),
    [
        ({"fraction": 0.0}, "fraction"),
        ({"fraction": 1.01}, "fraction"),
        ({"fraction": float("nan")}, "fraction"),
        ({"workers": 0}, "workers"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**64}, "seed"),
        ({"seed": 2**128}, "seed"),
        ({"opens": time(8, 0, 30), "closes": time(8, 0, 30)}, "closes"),
        ({"opens": time(9), "closes": time(9, 5)}, "opens, closes"),
        ({"run": "../etc"}, "run"),
    ],
)
def test_an_unusable_choice_is_refused_in_one_line_that_names_it(
    choices: dict[str, Any], field: str
) -> None:
    with pytest.raises(InputError) as refused:
        plan(**choices)
    line = str(refused.value)
    assert line.startswith(f"storm: {field}:")
    assert "\n" not in line


def test_the_largest_seed_draws_a_storm_like_any_other() -> None:
    made = plan(seed=2**64 - 1)
    assert made.offered == 600
    assert type(made).model_validate_json(made.model_dump_json()) == made


def test_a_teacher_comes_to_a_morning_for_each_class() -> None:
    made = plan("morning")
    assert made.people == 315
    assert made.offered == len(attendance(made, 0, made.people)) <= 315
    assert plan("exam").people == 300


def test_an_exam_is_compressed_whole() -> None:
    whole, short = plan("exam"), plan("exam", compression=30.0)
    assert (whole.compression, short.compression) == (1.0, 30.0)
    assert short.offered == whole.offered
    due = attendance(whole, 0, 300).due / 30
    assert attendance(short, 0, 300).due == pytest.approx(due)
    assert timing.lasting(short) == pytest.approx(240 * 60 / 30 + timing.GRACE)
    assert timing.lasting(plan()) == 60 + plan().patience_seconds


def test_only_an_exam_can_be_compressed() -> None:
    with pytest.raises(InputError, match="storm: compress: minute is no exam"):
        plan(compression=2.0)
    with pytest.raises(InputError, match="storm: compression: "):
        plan("exam", compression=0.5)


def test_a_site_without_drives_can_be_logged_in_to_and_no_more() -> None:
    there = inventory()
    bare = {tier: group for tier, group in there.all.children.items() if tier is not Tier.DRIVE}
    without = there.model_copy(update={"all": there.all.model_copy(update={"children": bare})})
    assert plan().cell_urls == ["https://drive1.skole.test"]
    assert plan(where=without).cell_urls == ["https://drive.skole.test"]
    for profile in ("morning", "exam"):
        with pytest.raises(StormRefusedError, match="tiers: has no drive"):
            plan(profile, where=without)


def test_a_stack_not_meant_for_storms_is_left_alone() -> None:
    with pytest.raises(StormRefusedError, match="storms: true"):
        plan(where=inventory(storms=False))


def test_every_pupil_needs_an_account() -> None:
    with pytest.raises(StormRefusedError, match=r"at most 0\.01083"):
        plan("denmark")
