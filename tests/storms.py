"""Results of storms that never were, for tests that need some."""

from __future__ import annotations

from datetime import UTC, datetime, time
from itertools import accumulate, pairwise
from math import exp
from typing import Any

from klokken.profile import Profile, Title
from klokken.results import (
    ClassResult,
    Generator,
    Interval,
    Judgement,
    Latency,
    MachineFacts,
    Results,
    StormPlan,
    TierCpu,
    Verdict,
)

STARTED = datetime(2025, 11, 21, 22, 0, 10, tzinfo=UTC)
CLASSES = {"login": 1.0, "login_page": 0.18, "password": 0.55, "token": 0.22}


def latency(count: int, scale: float = 0.4) -> Latency:
    """Return a plausible distribution; zeros where nothing was counted."""
    p50, p95, p99, p999, top = (scale * f if count else 0 for f in (1, 1.7, 2.1, 2.6, 2.9))
    return Latency(count=count, p50=p50, p95=p95, p99=p99, p999=p999, max=top)


def profile(**changes: Any) -> Profile:
    """Return a small profile with sources and assumptions."""
    limit = {"value": 3.0, "assumed": True, "why": "A class waits for its last pupil."}
    failed = {"value": 0.01, "assumed": True, "why": "One pupil in a hundred."}
    body = {
        "name": "south-schleswig",
        "title": {
            "da": "De danske skoler i Sydslesvig",
            "en": "The Danish schools in South Schleswig",
        },
        "pupils": {"value": 6500, "source": "The order that Klokken was built to."},
        "arrivals": {
            "kind": "bell",
            "opens": "07:52",
            "closes": "08:12",
            "centre": {"value": "08:00", "assumed": True, "why": "The usual first lesson."},
            "spread": {"value": 120, "assumed": True, "why": "Nobody has published it."},
            "skew": {"value": 0, "assumed": True, "why": "The plain bell is neutral."},
        },
        "journey": "login",
        "slo": {name: {"p99_seconds": limit, "failed_share": failed} for name in CLASSES},
        "generator": {
            "lateness_p999_seconds": {"value": 0.05, "source": "A sixtieth of the limit."}
        },
    }
    return Profile.model_validate({**body, **changes})


def plan(offered: int, seconds: int = 60, **changes: Any) -> StormPlan:
    """Return a plan for `offered` pupils in a window that closes at the bell."""
    opened = 8 * 3600 - seconds // 2
    closed = opened + seconds
    body: dict[str, Any] = {
        "run": "2025-11-21T220010-south-schleswig",
        "stack": "lab",
        "profile": profile(),
        "fraction": 0.25,
        "seed": 1,
        "pupils": 1625,
        "opens": time(opened // 3600, opened // 60 % 60, opened % 60),
        "closes": time(closed // 3600, closed // 60 % 60, closed % 60),
        "offered": offered,
        "workers": 2,
        "login_url": "https://login.skole.test",
        "portal_url": "https://portal.skole.test",
        "cell_urls": ["https://drive1.skole.test", "https://drive2.skole.test"],
        "client_id": "drive",
        "realm": "skole",
    }
    return StormPlan.model_validate({**body, **changes})


def country_exam() -> StormPlan:
    """Return the exam of everybody in Denmark who sits one."""
    everybody, exam = 68_600, Profile.named("exam")
    opens, closes = exam.arrivals.opens, exam.arrivals.closes
    return plan(everybody, profile=exam, pupils=everybody, workers=10, opens=opens, closes=closes)


def counts(total: int, seconds: int) -> list[int]:
    """Spread `total` over `seconds` as a bell, without losing one."""
    weights = [exp(-(((s - seconds / 2) / (seconds / 3)) ** 2)) for s in range(seconds)]
    edges = [0.0]
    for weight in weights:
        edges.append(edges[-1] + weight)
    whole = [round(total * edge / edges[-1]) for edge in edges]
    return [b - a for a, b in pairwise(whole)]


def portion(whole: list[int], part: int) -> list[int]:
    """Take `part` out of `whole`, evenly, never more at a place than is there."""
    total = max(sum(whole), 1)
    taken = [up * part // total for up in accumulate(whole, initial=0)]
    return [after - before for before, after in pairwise(taken)]


def intervals(
    offered: int, failed: int, dropped: int, seconds: int, abandoned: int = 0
) -> list[Interval]:
    """Return one interval a second; latency grows with the load."""
    due = counts(offered, seconds)
    missed = portion(due, dropped)
    begun = [d - m for d, m in zip(due, missed, strict=True)]
    lost = portion(begun, failed)
    left = portion([b - n for b, n in zip(begun, lost, strict=True)], abandoned)
    peak = max([*due, 1])
    return [
        Interval(
            start=s,
            seconds=1,
            offered=due[s],
            started=begun[s],
            completed=begun[s] - lost[s] - left[s],
            failed=lost[s],
            abandoned=left[s],
            dropped=missed[s],
            latency={
                name: latency(due[s], scale * (0.15 + 0.5 * due[s] / peak + 0.04 * (s % 3)))
                for name, scale in CLASSES.items()
                if due[s]
            },
        )
        for s in range(seconds)
    ]


def request_class(
    requests: int, failures: dict[str, int], scale: float, abandoned: int = 0
) -> ClassResult:
    """Return a class whose sum adds up."""
    return ClassResult(
        requests=requests,
        ok=requests - sum(failures.values()) - abandoned,
        failures=failures,
        abandoned=abandoned,
        intended=latency(requests, scale * 0.4),
        service=latency(requests, scale * 0.38),
    )


def tier(seconds: int, **groups: float) -> TierCpu:
    """Return CPU samples every five seconds, with one gap."""
    length = seconds // 5 + 1
    shape: dict[str, list[float | None]] = {
        name: [level * (0.4 + 0.6 * exp(-(((i / length) - 0.5) ** 2) * 9)) for i in range(length)]
        for name, level in groups.items()
    }
    for samples in shape.values():
        samples[length // 3] = None
    return TierCpu(step_seconds=5, start=STARTED.timestamp(), groups=shape)


def storm(
    offered: int = 624,
    failed: int = 0,
    dropped: int = 0,
    seconds: int = 60,
    *,
    abandoned: int = 0,
    **changes: Any,
) -> Results:
    """Return a whole storm whose arithmetic adds up; `changes` replace fields of it."""
    started = offered - dropped
    causes = {"token: wrong nonce": failed // 3, "password: 503": failed - failed // 3}
    causes = {cause: count for cause, count in causes.items() if count}
    body: dict[str, Any] = {
        "title": Title(
            da="De danske skoler i Sydslesvig", en="The Danish schools in South Schleswig"
        ),
        "started": STARTED,
        "finished": STARTED.replace(minute=1, second=14),
        "plan": plan(offered, seconds),
        "versions": {"klokken": "0.1.0", "keycloak": "26.7.1", "postgresql": "17.6"},
        "machine": MachineFacts(
            cpu_model="Intel(R) Xeon(R) Platinum 8481C",
            cores=2,
            memory_bytes=24 * 2**30,
            kernel="6.12.48+deb13-cloud-amd64",
        ),
        "offered": offered,
        "started_journeys": started,
        "completed": started - failed - abandoned,
        "failed": failed,
        "abandoned": abandoned,
        "dropped": dropped,
        "classes": {
            name: request_class(
                started, *((causes, scale, abandoned) if name == "login" else ({}, scale))
            )
            for name, scale in CLASSES.items()
        },
        "intervals": intervals(offered, failed, dropped, seconds, abandoned),
        "generator": generator(started),
        "tiers": {
            "edge": tier(seconds, haproxy=0.12, other=0.03),
            "identity": tier(seconds, java=1.1, other=0.04),
            "database": tier(seconds, postgres=0.25, other=0.02),
        },
        "judgements": judgements((failed + abandoned) / started if started else 0),
        "invalid_because": [],
        "verdict": Verdict.PASS,
    }
    return Results.model_validate({**body, **changes})


def generator(starts: int, **changes: Any) -> Generator:
    """Return a generator that kept its time."""
    body: dict[str, Any] = {
        "workers": 2,
        "lateness": latency(starts, 0.002),
        "cpu_mean": 0.31,
        "cpu_busiest": 0.17,
        "memory_bytes": 190 * 2**20,
        "lost_workers": 0,
    }
    return Generator.model_validate({**body, **changes})


def judgements(failed_share: float, p99: float = 0.84) -> list[Judgement]:
    """Judge as the profile asks."""
    return [
        judgement
        for name, scale in CLASSES.items()
        for judgement in (
            Judgement(
                request_class=name,
                what="p99_seconds",
                limit=3.0,
                measured=p99 * scale,
                kept=p99 * scale <= 3.0,
            ),
            Judgement(
                request_class=name,
                what="failed_share",
                limit=0.01,
                measured=failed_share,
                kept=failed_share <= 0.01,
            ),
        )
    ]
