"""The command line: `klokken COMMAND`."""

from __future__ import annotations

import importlib
import shlex
import signal
import sys

import click

from klokken import __version__, deployment, workspace
from klokken.errors import Exit, KlokkenError, described

# Commands whose libraries take long to import, and the module that has each.
LATE = {
    "arrivals": "klokken.accesslog.commands",
    "audit": "klokken.audit.commands",
    "doctor": "klokken.doctor.commands",
    "exam": "klokken.faults.commands",
    "measure": "klokken.capacity.measure.commands",
    "new": "klokken.sites.commands",
    "report": "klokken.storm.commands",
    "seed": "klokken.seeding",
    "simulate": "klokken.capacity.commands",
    "size": "klokken.capacity.sizing.commands",
    "storm": "klokken.storm.commands",
    "waves": "klokken.capacity.sizing.commands",
}


class Commands(click.Group):
    """The commands, some of which are imported only when they are called or listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted([*super().list_commands(ctx), *LATE])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of this name."""
        if cmd_name not in LATE:
            return super().get_command(ctx, cmd_name)
        command: click.Command = getattr(importlib.import_module(LATE[cmd_name]), cmd_name)
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def cli() -> None:
    """Ring the 08:00 bell at a school platform, and say how large it must be."""


@cli.command()
@click.argument("stack")
def init(stack: str) -> None:
    """Make what a stack needs before its first `up`: config, passphrase, secrets."""
    for line in workspace.init(stack):
        click.echo(f"made {line}")


@cli.command()
@click.argument("stack")
def up(stack: str) -> None:
    """Stand the stack up and configure its hosts, as `pulumi up -s STACK` does."""
    deployment.up(stack)


@cli.command()
@click.argument("stack")
def preview(stack: str) -> None:
    """Show what `up` would change."""
    deployment.preview(stack)


@cli.command()
@click.argument("stack")
@click.option(
    "--remove-from-hosts",
    "from_hosts",
    is_flag=True,
    help="Take services, settings and data from servers too, which are else let go as they are.",
)
@click.option("--yes", "sure", is_flag=True, help="Do so without asking.")
def down(*, stack: str, from_hosts: bool, sure: bool) -> None:
    """Take the stack down and remove every trace of it. Works always, also twice."""
    deployment.down(stack, from_hosts=from_hosts, sure=sure)


@cli.command()
@click.argument("stack")
def check(stack: str) -> None:
    """Look at every host of the stack and say whether it is as it shall be."""
    deployment.check(stack)


@cli.command()
def env() -> None:
    """Print the variables that `. ./activate` sets for typing `pulumi` by hand."""
    for name, value in workspace.environment().items():
        click.echo(f"export {name}={shlex.quote(value)}")


def main() -> None:
    """Run the command line; end with the exit code of the first error, told in one line."""
    # A shell that starts us in the background has Ctrl-C ignored; whoever sends it means it. A
    # pipeline that gives up sends SIGTERM, and what was begun on hosts is to end then as well.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        cli.main(standalone_mode=False)
    except KlokkenError as error:
        click.echo(f"klokken: {error}", err=True)
        sys.exit(error.code)
    except click.ClickException as error:
        error.show()
        sys.exit(Exit.BAD_INPUT)
    except OSError as error:
        click.echo(f"klokken: {described(error)}", err=True)
        sys.exit(Exit.MACHINE)
    except (click.Abort, KeyboardInterrupt):
        click.echo("klokken: stopped", err=True)
        sys.exit(Exit.MACHINE)
