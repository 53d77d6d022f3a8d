"""The command: `python -m benchmarks.generator`."""

from __future__ import annotations

import platform
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import click
import rtls

from benchmarks.facts import DOCUMENTS, machine, publish
from benchmarks.generator.contenders import K6_PATH, build_k6
from benchmarks.generator.document import document, tables
from benchmarks.generator.labsite import LabSite
from benchmarks.generator.nullsite import nginx, null_site
from benchmarks.generator.outcome import Comparison
from benchmarks.generator.trials import Bench
from klokken.document import read_yaml, validated
from klokken.errors import InputError, KlokkenError

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.generator.nullsite import NullSite
    from benchmarks.generator.outcome import Trial

PARTS = ("cost", "lateness", "limit", "waiting")
NULL = "null"


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice(PARTS))
@click.option("--against", default=NULL, show_default=True, help="A stack that is up, or null.")
@click.option("--repeats", default=5, show_default=True, type=click.IntRange(1))
@click.option("--rates", default="20,100", show_default=True, help="Logins a second.")
@click.option("--seconds", default=8, show_default=True, help="Of each window.")
@click.option("--add", is_flag=True, help="To what was measured before, or in its place.")
@click.option("--page", is_flag=True, help="Measure nothing: write the page of what there is.")
def main(  # noqa: PLR0913 - a run has this many choices, all named
    parts: tuple[str, ...],
    against: str,
    repeats: int,
    rates: str,
    seconds: int,
    *,
    add: bool,
    page: bool,
) -> None:
    """Compare generators, and write docs/benchmarks/generator.md; all PARTS without any named."""
    name = "generator" if against == NULL else "generator-lab"
    try:
        if page and (parts or add):
            raise InputError("benchmark", "page", "measures nothing", "leave parts and --add out")
        kept = DOCUMENTS / f"{name}.json"
        before = _before(kept) if add or page else None
        if add and before and before.machine != machine():
            raise InputError(
                kept, "machine", "is another than this one", "measure all, without --add"
            )
        if page and before:
            found = before
        else:
            order = Order(parts or PARTS, against, repeats, _rates(rates), seconds, before)
            found = _measured(order)
        path = publish(name, document(found), found)
    except KlokkenError as error:
        click.echo(str(error), err=True)
        sys.exit(error.code)
    click.echo(tables(found))
    click.echo(f"written to {path}", err=True)


@dataclass(frozen=True)
class Order:
    """What is to be measured: `parts`, at `rates` a second in windows of `seconds`."""

    parts: tuple[str, ...]
    against: str
    repeats: int
    rates: list[float]
    seconds: int
    before: Comparison | None

    def kept(self, trial: Trial) -> bool:
        """Say whether a trial of before stays: nothing of the order takes its place."""
        return trial.part not in self.parts or (
            trial.part == "cost" and trial.rate not in self.rates
        )

    def fill(self, bench: Bench) -> None:
        """Measure it all, beside what there was before."""
        if self.before:
            bench.trials += filter(self.kept, self.before.trials)
            if "waiting" not in self.parts:
                bench.waiting += self.before.waiting
        steps: dict[str, Callable[[], None]] = {
            "cost": lambda: bench.cost(self.rates, self.repeats),
            "lateness": lambda: bench.lateness(bench.typical(), self.repeats),
            "limit": lambda: bench.limit(bench.typical()),
            "waiting": bench.wait,
        }
        for part in self.parts:
            steps[part]()


def _measured(order: Order) -> Comparison:
    began = datetime.now(UTC)
    bench = _filled(order)
    return Comparison(
        against=order.against,
        started=order.before.started if order.before else began,
        finished=datetime.now(UTC),
        machine=machine(),
        versions=_versions(),
        trials=bench.trials,
        waiting=bench.waiting,
    )


def _filled(order: Order) -> Bench:
    build_k6()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="klokken-")))
        (folder / "site").mkdir()
        (folder / "trials").mkdir()
        # nginx's worker, which is not root, reaches its files through this one.
        folder.chmod(0o711)
        site: NullSite | LabSite
        if order.against == NULL:
            site = stack.enter_context(null_site(folder / "site"))
        elif len(order.rates) > 1 or set(order.parts) - {"cost"}:
            raise InputError("benchmark", "against", "needs one rate, and the part `cost`")
        else:
            site = LabSite.of(order.against, order.rates[0], folder / "site")
        bench = Bench(site, folder / "trials", order.seconds, _show)
        order.fill(bench)
        return bench


def _before(path: Path) -> Comparison:
    return validated(Comparison, read_yaml(path), path)


def _rates(given: str) -> list[float]:
    try:
        rates = [float(rate) for rate in given.split(",")]
    except ValueError:
        rates = []
    if not rates or min(rates) <= 0:
        raise InputError("benchmark", "rates", f"is {given!r}", "give numbers above 0, as 20,100")
    return rates


def _versions() -> dict[str, str]:

    said = {
        "k6": [str(K6_PATH), "version"],
        "nginx": [nginx(), "-v"],
        "OpenSSL of the machine": ["openssl", "version"],
    }
    return {
        **{name: version(name) for name in ("gevent", "geventhttpclient", "locust", "requests")},
        "rtls": f"{version('rtls')} ({rtls.OPENSSL_VERSION})",
        "Python": platform.python_version(),
        **{name: _said(command) for name, command in said.items()},
    }


def _said(command: list[str]) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return (done.stdout or done.stderr).strip().splitlines()[0]


def _show(line: str) -> None:
    click.echo(f"{datetime.now(UTC):%H:%M:%S} {line}", err=True)


if __name__ == "__main__":
    main()
