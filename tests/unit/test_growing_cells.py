"""Work that grows with the accounts of a cell grows in the simulator as well."""

from __future__ import annotations

import pytest
import yaml

from klokken.capacity.demands import EXAMPLES, Demands
from klokken.capacity.engine.model import WARM
from klokken.capacity.model import model
from klokken.capacity.morning import Morning
from klokken.capacity.platform import Platform
from klokken.errors import InputError
from klokken.profile import Profile

DEMANDS = Demands.read(EXAMPLES / "lab-demands.yaml")
PLATFORM = yaml.safe_load((EXAMPLES / "lab-platform.yaml").read_text())


def seconds(cells: int, pupils: float) -> float:
    """Return the work of a look at one's drives, on so many cells for a share of Denmark."""
    written = {**PLATFORM["tiers"]["drive"], "nodes": cells}
    platform = Platform.model_validate(
        {**PLATFORM, "tiers": {**PLATFORM["tiers"], "drive": written}}
    )
    journey = DEMANDS.journeys["morning"]
    morning = Morning.of(Profile.named("denmark-morning"), 1, pupils / 600_000)
    built = model(DEMANDS, journey, platform, morning, seed=1)
    names = [request.name for request in journey.requests]
    return float(built.work[names.index("drives"), 2, WARM]) / 1e9


def test_a_request_takes_more_for_each_account_of_its_cell() -> None:
    # 2,100 pupils have 100 teachers.
    assert seconds(1, 2100) == pytest.approx(0.020 + 0.00008 * 2200)
    assert seconds(4, 2100) == pytest.approx(0.020 + 0.00008 * 550)


def test_cells_in_which_a_request_takes_ten_seconds_are_refused() -> None:
    with pytest.raises(InputError, match=r"work\.drives\.drive: is over 10 s cold with 220,000"):
        seconds(1, 210_000)
