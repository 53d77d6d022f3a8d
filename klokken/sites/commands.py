"""The commands that make something new."""

from __future__ import annotations

import click

from klokken import files
from klokken.paths import PROJECT, site_folder
from klokken.servers.listing import list_path
from klokken.sites import runbook
from klokken.sites.draft import Wishes, draft, substrates
from klokken.sites.hosts import beginning
from klokken.substrates import Servers


@click.group()
def new() -> None:
    """Make something new."""


@new.command()
@click.argument("name")
@click.option("--substrate", type=click.Choice(substrates()), required=True, help="What it is on.")
@click.option("--kommune", required=True, help="Whose pupils, such as Horsens.")
@click.option("--domain", help="The site's domain, such as skole.horsens.dk.")
@click.option("--network", help="The private network of its hosts, such as 10.20.0.0/24.")
@click.option(
    "--cell",
    type=click.IntRange(100, 200_000),
    default=50_000,
    show_default=True,
    help="Pupils that a cell of the drive may have.",
)
def site(  # noqa: PLR0913 - one parameter an option
    *, name: str, substrate: str, kommune: str, domain: str | None, network: str | None, cell: int
) -> None:
    """Write the first stack config, list of hosts and runbook of the site NAME; make nothing."""
    made = draft(Wishes(name, substrate, kommune, domain, network, cell))
    folder = site_folder(name)
    folder.mkdir(parents=True, exist_ok=True)
    written = {made.path: made.text, folder / "drift.md": runbook.text(name, made)}
    if isinstance(made.config.substrate, Servers) and not list_path(name).exists():
        written[list_path(name)] = beginning(made.config.site)
    for path, text in written.items():
        files.write(path, text)
        click.echo(f"wrote {path.relative_to(PROJECT)}")
    click.echo(
        f"go on with {folder.relative_to(PROJECT) / 'drift.md'}, and `klokken doctor {name}`"
    )
