"""The command that makes an arrival curve from a site's own log."""

from __future__ import annotations

from pathlib import Path

import click

from klokken import files
from klokken.accesslog.formats import READERS
from klokken.accesslog.tally import LOGIN, MINUTES, Tally, of_path, section, table, tally
from klokken.errors import InputError


@click.group()
def arrivals() -> None:
    """When pupils come: the arrival curves of profiles."""


@arrivals.command("from-log")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["auto", *READERS]), default="auto",
              show_default=True, help="What the log is written in.")  # fmt: skip
@click.option(
    "--path",
    metavar="[METHOD ]PREFIX",
    help="Count requests of this, instead of Keycloak's login form being sent.",
)
@click.option("--minutes", type=click.IntRange(1, MINUTES), default=60, show_default=True,
              help="The longest curve to make: the busiest so many minutes.")  # fmt: skip
@click.option("--output", type=click.Path(path_type=Path), help="Write the curve to this file.")
def from_log(*, file: Path, form: str, path: str | None, minutes: int, output: Path | None) -> None:
    """Make the arrival curve of a profile from the access log FILE, which may be gzipped.

    Reads HAProxy's HTTP log, as the edge writes it too, and the Common Log Format. Prints the
    section `arrivals`; docs/arrivals.md says more.
    """
    counted = tally(file, form, LOGIN if path is None else of_path(path))
    window = counted.busiest(minutes)
    made = section(table(counted, file, window))
    click.echo(_summary(counted, window), err=True)
    if output is None:
        click.echo(made, nl=False)
        return
    try:
        files.write(output, made)
    except OSError as error:
        raise InputError(output, "output", f"cannot be written ({error.strerror})") from None


def _summary(counted: Tally, window: range) -> str:
    """Return what was found, in three lines."""
    inside = sum(counted.minutes[minute] for minute in window)
    top = max(window, key=counted.minutes.__getitem__)
    share = 100 * inside / counted.logins
    return (
        f"{counted.logins} logins in {counted.lines} lines, {counted.period};"
        f" {counted.unreadable} lines could not be read\n"
        f"busiest: {_clock(window.start)} to {_clock(window.stop)},"
        f" {inside} logins, {share:.1f} % of them\n"
        f"busiest minute: {_clock(top)}, {counted.minutes[top]} logins"
    )


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
