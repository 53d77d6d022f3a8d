"""Price lists: dated, with sources, refused when they have expired."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from klokken.capacity.money import dkk
from klokken.capacity.pricelist import PRICES, PriceList, price_lists
from klokken.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

TODAY = date(2026, 11, 22)
HETZNER = yaml.safe_load((PRICES / "hetzner.yaml").read_text())


def test_there_is_a_list_of_each_provider_and_one_of_own_servers() -> None:
    lists = price_lists(TODAY)
    assert [prices.provider for prices in lists] == [
        "cleura",
        "hetzner",
        "ovh",
        "own",
        "safespring",
        "stackit",
    ]
    for prices in lists:
        assert prices.provider == prices.provider.lower()
        assert prices.dated < TODAY <= prices.valid_until
        assert all(prices.month(kind) > 0 and prices.cores(kind) > 0 for kind in prices.hosts)


def test_an_expired_list_is_refused_in_one_line_that_names_it() -> None:
    with pytest.raises(InputError, match=r"hetzner\.yaml: valid_until: .* 2027-06-15; look") as it:
        price_lists(date(2027, 6, 16), ["hetzner"])
    assert "\n" not in str(it.value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"valid_until": date(2030, 1, 1)}, "within a year"),
        ({"valid_until": date(2020, 1, 1)}, "within a year"),
        ({"source": ""}, "source"),
        ({"shared_core": {"value": 0.5}}, "give either a `source`"),
        ({"hosts": {}}, "hosts"),
        ({"block_gb_eur_month": {"value": -1, "source": "x"}}, "block_gb_eur_month.value"),
        (
            {"hosts": {"a": {"vcpu": 1, "dedicated": True, "memory_gb": 1, "disk_gb": 1}}},
            "give either `eur_month` or `bought`",
        ),
        (
            {
                "hosts": {
                    "a": {
                        "vcpu": 1,
                        "dedicated": True,
                        "memory_gb": 1,
                        "disk_gb": 1,
                        "bought": {"eur": 1, "watts": 1, "units": 1},
                    }
                }
            },
            "needs `depreciation`",
        ),
    ],
)
def test_a_wrong_list_is_refused_in_one_line(
    tmp_path: Path, change: dict[str, Any], says: str
) -> None:
    path = tmp_path / "hetzner.yaml"
    path.write_text(yaml.safe_dump({**HETZNER, **change}))
    with pytest.raises(InputError, match=says) as caught:
        PriceList.read(path, TODAY)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_an_unknown_provider_is_told_which_there_are() -> None:
    with pytest.raises(InputError, match="choose cleura, hetzner, ovh, own, safespring, stackit"):
        price_lists(TODAY, ["moon"])


def test_a_shared_vcpu_is_half_a_core() -> None:
    [hetzner] = price_lists(TODAY, ["hetzner"])
    assert hetzner.cores("CCX33") == 8
    assert hetzner.cores("CPX42") == 4
    assert not hetzner.hosts["CX53"].orderable


def test_an_own_server_costs_its_price_over_five_years_power_place_and_staff() -> None:
    [own] = price_lists(TODAY, ["own"])
    power = 0.35 * 730 * 1.5 * 0.20
    assert own.month("server-32") == pytest.approx(7000 / 60 + power + 30 + 60)


def test_a_euro_is_7_46038_kroner() -> None:
    assert dkk(100) == pytest.approx(746.038)
