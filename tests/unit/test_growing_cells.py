"""Work that grows with the accounts of a cell grows in the simulator as well."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pytest
import yaml

from klokken.capacity import run
from klokken.capacity.demands import EXAMPLES, Demands
from klokken.capacity.engine.model import WARM
from klokken.capacity.fluid import flow
from klokken.capacity.model import model
from klokken.capacity.morning import Morning
from klokken.capacity.platform import Platform
from klokken.capacity.pricelist import price_lists
from klokken.capacity.resources import Resources
from klokken.capacity.run import Choices
from klokken.capacity.sizing.asked import SiteAsked, TierAsked
from klokken.capacity.sizing.fit import Carrier, Rules
from klokken.errors import InputError
from klokken.profile import Profile
from klokken.topology import Tier

if TYPE_CHECKING:
    from klokken.capacity.engine.model import Integers, Model
    from klokken.capacity.fluid import Flow

DEMANDS = Demands.read(EXAMPLES / "lab-demands.yaml")
PLATFORM = yaml.safe_load((EXAMPLES / "lab-platform.yaml").read_text())


def of_drives(built: Model) -> float:
    names = [request.name for request in DEMANDS.journeys["morning"].requests]
    return float(built.work[names.index("drives"), 2, WARM]) / 1e9


def seconds(cells: int, pupils: float) -> float:
    """Return the work of a look at one's drives, on so many cells for a share of Denmark."""
    written = {**PLATFORM["tiers"]["drive"], "nodes": cells}
    platform = Platform.model_validate(
        {**PLATFORM, "tiers": {**PLATFORM["tiers"], "drive": written}}
    )
    journey = DEMANDS.journeys["morning"]
    morning = Morning.of(Profile.named("denmark-morning"), 1, pupils / 600_000)
    built = model(DEMANDS, journey, platform, morning, seed=1, accounts=len(morning.due))
    return of_drives(built)


def test_a_request_takes_more_for_each_account_of_its_cell() -> None:
    # 2,100 pupils have 100 teachers.
    assert seconds(1, 2100) == pytest.approx(0.020 + 0.00008 * 2200)
    assert seconds(4, 2100) == pytest.approx(0.020 + 0.00008 * 550)


def test_who_stays_at_home_has_an_account_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[Model] = []

    def flowing(found: Model, by_second: Integers) -> Flow:
        built.append(found)
        return flow(found, by_second)

    monkeypatch.setattr(run, "flow", flowing)
    for fraction in (1.0, 0.2):
        run.simulate(Choices("morning", level="fluid", fraction=fraction))
    assert of_drives(built[0]) == of_drives(built[1]) == pytest.approx(0.020 + 0.00008 * 315 / 2)


def test_without_cells_a_host_looks_through_the_accounts_of_the_whole_site() -> None:
    asked = tier(cores=2.0, cores_an_account=0.001)
    site = SiteAsked(2000, np.full(100, 21.0), {Tier.IDENTITY: asked, Tier.DRIVE: asked}, 0.1, 0.0)
    [prices] = price_lists(date(2026, 11, 22), ["hetzner"])
    for of, accounts in ((Tier.IDENTITY, 2100), (Tier.DRIVE, 1050)):
        carrier = Carrier(of, site, prices, "CCX63", Rules(headroom=0.3, cell=50_000))
        used = carrier.used(0.5)["CPU"]
        assert used == pytest.approx((2.0 + 0.001 * accounts) * 0.5 / 48)


def tier(*, cores: float, cores_an_account: float) -> TierAsked:
    return TierAsked(
        load=np.array([cores]),
        cores=cores,
        cores_an_account=cores_an_account,
        visits=0.0,
        connections=0.0,
        pupils=2000,
        resources=Resources(),
    )


def test_cells_in_which_a_request_takes_ten_seconds_are_refused() -> None:
    with pytest.raises(InputError, match=r"work\.drives\.drive: is over 10 s cold with 220,000"):
        seconds(1, 210_000)
