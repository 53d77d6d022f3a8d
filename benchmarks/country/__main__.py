"""The command: `python -m benchmarks.country`."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version

import click

from benchmarks.country import runs
from benchmarks.country.document import document, table
from benchmarks.country.outcome import Country, Waiting
from benchmarks.facts import publish
from klokken import telemetry
from klokken.errors import KlokkenError, MachineError
from klokken.profile import Profile
from klokken.storm import fleet
from klokken.storm.dry import ANSWER_SECONDS
from klokken.storm.plan import plan_dry_run

SHARES = [0.25, 0.5, 0.75]


def measure(name: str, minutes: float, seconds: int, workers: int) -> Country:
    """Run the whole benchmark; raise KlokkenError where it cannot be."""
    started = datetime.now(UTC)
    profile = Profile.named(name)
    names = ("gevent", "locust", "numpy", "hdrhistogram")
    return Country(
        started=started,
        machine=telemetry.own_machine(),
        versions={n: version(n) for n in names}
        | {"python": sys.version.split()[0], "openssl": ssl.OPENSSL_VERSION},
        answer_seconds=ANSWER_SECONDS,
        profile=profile.name,
        pupils=profile.pupils.value,
        fleet_workers=fleet.of(plan_dry_run(profile, run="fleet")).workers,
        schedule=runs.schedule(profile, workers),
        peak=runs.peak(profile, workers, minutes),
        steps=runs.steps(SHARES, seconds),
        waiting=[_waiting(profile.name), _waiting("exam")],
        finished=datetime.now(UTC),
    )


def _waiting(profile: str) -> Waiting:
    return Waiting(
        journey=Profile.named(profile).journey,
        parked=_bytes_each(profile, 0.5),
        with_greenlet=_bytes_each(profile, 1e9),
    )


def _bytes_each(profile: str, parks: float) -> float:
    argv = [sys.executable, "-m", "benchmarks.country.waiting", profile, str(parks)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise MachineError(f"the measurement of who waits failed: {done.stderr.strip()[-300:]}")
    return float(done.stdout)


@click.command()
@click.option("--profile", default="bavaria", show_default=True, help="Whose morning it is.")
@click.option("--minutes", default=1.0, show_default=True, help="Of the peak, at real speed.")
@click.option("--seconds", default=20, show_default=True, help="Of each step; at most 59.")
@click.option("--workers", default=os.cpu_count() or 1, show_default=True, help="Processes.")
def main(profile: str, minutes: float, seconds: int, workers: int) -> None:
    """Try the load generator with a whole country, and write docs/benchmarks/country.md."""
    try:
        found = measure(profile, minutes, seconds, workers)
        path = publish("country", document(found), found)
    except KlokkenError as error:
        click.echo(f"benchmark: {error}", err=True)
        sys.exit(error.code)
    click.echo(table(found))
    click.echo(f"written to {path}", err=True)


if __name__ == "__main__":
    main()
