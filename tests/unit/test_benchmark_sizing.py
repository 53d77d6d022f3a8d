"""The benchmark of sizing: what it writes of Denmark, and that the documents say the same."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from benchmarks.sizing.__main__ import written
from benchmarks.sizing.document import BEGINS, document, row
from benchmarks.sizing.otherwise import bells, flat
from benchmarks.sizing.outcome import Answer, Benchmark, Timing
from klokken.capacity.demands import Demands
from klokken.capacity.sizing.answer import TierAnswer, cost
from klokken.profile import Profile
from klokken.results import MachineFacts
from klokken.topology import Tier

if TYPE_CHECKING:
    from pathlib import Path

WHEN = datetime(2026, 1, 5, 8, tzinfo=UTC)


def tier(name: Tier, hosts: int, kind: str, bound: str) -> TierAnswer:
    figures: dict[str, Any] = {"cores_a_host": 2, "memory_gb": 4.0, "volume_gb": 0, "volumes": 0}
    return TierAnswer(
        tier=name,
        kind=kind,
        hosts=hosts,
        may_be_down=1,
        bound=bound,
        used={bound: 0.5},
        month_eur=1.0,
        **figures,
    )


def answer(profile: str, month_eur: float, **changes: Any) -> Answer:
    body: dict[str, Any] = {
        "profile": profile,
        "pupils": 600_000,
        "provider": "hetzner",
        "title": "Hetzner Cloud",
        "dated": date(2026, 8, 17),
        "sites": 1,
        "pupils_a_site": 600_000,
        "hosts": 37,
        "tiers": [tier(Tier.EDGE, 10, "CPX22", "memory")],
        "cost": cost(month_eur, 600_000),
        "mornings": 4,
        "people": 600_000,
    }
    return Answer.model_validate(body | changes)


DRIVES = answer(
    "denmark-morning",
    30_227.0,
    sites=4,
    pupils_a_site=150_000,
    hosts=820,
    tiers=[tier(Tier.EDGE, 8, "CPX22", "memory"), tier(Tier.DRIVE, 181, "CPX22", "CPU")],
)
FLAT = answer("denmark-morning", 19_773.0, sites=2, tiers=[tier(Tier.DRIVE, 17, "CPX62", "CPU")])


def benchmark() -> Benchmark:
    return Benchmark(
        started=WHEN,
        finished=WHEN,
        machine=MachineFacts(cpu_model="a test", cores=2, memory_bytes=2**34, kernel="6"),
        versions={"numba": "1"},
        first=(80.0, 38.0),
        timings=[
            Timing(
                command="size denmark",
                rounds=[(25.0, 14.0), (94.0, 15.0), (26.0, 14.5)],
                answer=answer("denmark", 3681.0),
            ),
            Timing(command="size denmark-morning", rounds=[(49.0, 19.0)] * 3, answer=DRIVES),
            Timing(command="waves", rounds=[(14.0, 5.0)] * 3, waves=5),
        ],
        flat=FLAT,
        bells=answer("denmark-bells", 1917.0),
    )


def test_denmark_is_written_with_the_dates_of_the_prices_and_nothing_before_it_is_touched() -> None:
    page = written(
        f"# How large\n\n## Denmark\n\n{BEGINS}\n\nWhat was there before.\n", benchmark()
    )
    assert page.startswith(f"# How large\n\n## Denmark\n\n{BEGINS}\n\nWith the lab's demands")
    assert "before" not in page
    assert "the prices that Hetzner Cloud had on 17 August 2026 and 600,000 pupils" in page
    assert "in 94 s at worst" in page
    assert "| Hetzner Cloud, one site, 37 hosts | Hetzner Cloud, 4 sites, 820 hosts |" in page
    assert "| edge, a site | 10 CPX22, by memory | 8 CPX22, by memory |" in page
    assert "| drive, a site | - | 181 CPX22 with about 833 pupils each, by CPU |" in page
    assert "| EUR a month | 3,681 | 30,227 |" in page
    assert "takes 17 CPX62 a site (2 sites) instead of 181 CPX22 (4 sites), and 19,773 EUR" in page
    assert "1,917 EUR a month instead of 3,681." in page


def test_the_page_has_medians_with_their_spread() -> None:
    logins, _, waves = benchmark().timings
    assert row(logins).endswith("| 4 x 600,000 | 26.0 (25.0 to 94.0) | 14.5 (14.0 to 15.0) |")
    assert row(waves) == (
        "| `waves` | 5 waves, today's among them | - | 14.0 (14.0 to 14.0) | 5.0 (5.0 to 5.0) |"
    )
    page = document(benchmark())
    assert "medians of 3 rounds" in page
    assert (
        "| yes | 94 s at worst, compiled before; 80 s (38 s of CPU) the first time ever |" in page
    )


def test_denmark_otherwise_is_the_same_but_for_one_thing(tmp_path: Path) -> None:
    demands = Demands.read(flat(tmp_path))
    assert not any(w.each_account for there in demands.work.values() for w in there.values())
    ringing, usual = Profile.read(bells(tmp_path)), Profile.named("denmark")
    assert ringing.bells
    assert ringing.pupils == usual.pupils
    assert ringing.arrivals == usual.arrivals
