"""What cores of servers that a kommune owns cost: their share of a server that is bought."""

from __future__ import annotations

from typing import TYPE_CHECKING

from klokken.capacity.money import dkk
from klokken.capacity.pricelist import price_lists
from klokken.doctor.findings import Cost

if TYPE_CHECKING:
    from datetime import date


def cost_of(cores: int, today: date) -> Cost:
    """Return what so many cores cost a month, by the cheapest kind of server that is bought.

    Raises InputError for a price list that has expired.
    """
    (prices,) = price_lists(today, ["own"])
    a_core, kind = min((prices.month(k) / h.vcpu, k) for k, h in prices.hosts.items())
    eur = cores * a_core
    ground = f"{cores} cores as shares of {kind}, by the assumed figures of prices/own.yaml"
    return Cost(eur=eur, dkk=dkk(eur), ground=ground)
