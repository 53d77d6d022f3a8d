"""Take from servers what a stack has put on them.

`python -m stacks.servers.removal STACK` does it, with `--list` it only says what would go.

Each role says in its `traces.yml` what it leaves. Packages that a host had before are not known
any more: those of `base` stay, since SSH and the clock need them.
"""

from __future__ import annotations

import shlex
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from pydantic import Field

from klokken.document import Document, read_yaml, validated
from klokken.errors import KlokkenError, MachineError
from klokken.paths import PROJECT
from klokken.roles import roles_of
from klokken.servers.listing import ServerList
from klokken.servers.preconditions import TOGETHER, remotes
from klokken.stackconfig import StackConfig
from klokken.topology import Tier

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klokken.remote import Remote

# Seconds that a host may take; purging packages is most of it.
PATIENCE = 600.0
# A host of another stack keeps what it has; one without a mark has nothing of ours any more.
_MINE = """
owner=$(cat /etc/klokken/stack 2>/dev/null)
[ -n "$owner" ] || exit 0
[ "$owner" = {stack} ] || {{ echo "belongs to the stack $owner" >&2; exit 3; }}"""
_PURGE = """
there=$(dpkg-query -W -f '${{Package}} ${{db:Status-Status}}\\n' {names} 2>/dev/null \\
  | sed -n 's/ installed$//p')
[ -z "$there" ] || apt-get -qq purge --yes $there >/dev/null || exit 1"""


class Traces(Document):
    """What a role leaves on a host. `commands` undo what is no file, and may find it undone."""

    units: list[str] = Field(default_factory=list)
    packages: list[str] = Field(default_factory=list)
    accounts: list[str] = Field(default_factory=list)
    paths: list[str] = Field(default_factory=list)
    commands: list[str] = Field(default_factory=list)

    @classmethod
    def of(cls, role: str) -> Traces:
        """Return the traces of a role."""
        path = PROJECT / "roles" / role / "traces.yml"
        return validated(cls, read_yaml(path), path)


def traces(tier: Tier) -> list[Traces]:
    """Return what the roles of a tier leave, the last first: so that `base` comes last."""
    return [Traces.of(role) for role in reversed(roles_of(tier))]


def told(name: str) -> str:
    """Return the line that says what would be taken from a host."""
    left = traces(_tier(name))
    parts = {
        "stops": [unit for each in left for unit in each.units],
        "purges": [package for each in left for package in each.packages],
        "removes the accounts": [account for each in left for account in each.accounts],
        "deletes": [path for each in left for path in each.paths],
    }
    said = [f"{verb} {', '.join(what)}" for verb, what in parts.items() if what]
    return f"{name}: {'; '.join(said)}"


def script(stack: str, left: Sequence[Traces]) -> str:
    """Return what root runs on a host. It may be run again where it was cut short."""
    lines = ["export DEBIAN_FRONTEND=noninteractive LC_ALL=C", _MINE.format(stack=stack)]
    for each in left:
        if each.units:
            verbs = ("stop", "disable", "reset-failed")
            lines += [f"systemctl {verb} {_words(each.units)} >/dev/null 2>&1" for verb in verbs]
        lines += [f"{command} >/dev/null 2>&1" for command in each.commands]
        if each.packages:
            lines.append(_PURGE.format(names=_words(each.packages)))
        lines += [f"userdel {account} >/dev/null 2>&1" for account in each.accounts]
        # Not quoted: they may be patterns.
        lines += [f"rm -rf -- {path} || exit 1" for path in each.paths]
    return "\n".join([*lines, "systemctl daemon-reload", "exit 0"]) + "\n"


def remove(stack: str, hosts: Sequence[Remote]) -> None:
    """Take everything away, on all hosts at once; raise MachineError with those where it failed."""

    def one(host: Remote) -> str:
        given = script(stack, traces(_tier(host.name))).encode()
        try:
            host.run(["sh", "-s"], given=given, root=True, timeout=PATIENCE)
        except MachineError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(min(len(hosts), TOGETHER)) as pool:
        failed = [line for line in pool.map(one, hosts) if line]
    if failed:
        raise MachineError("\n".join(failed))


def _tier(name: str) -> Tier:
    return Tier(name.rstrip("0123456789"))


def _words(names: Sequence[str]) -> str:
    return shlex.join(names)


def main() -> int:
    """Remove from the hosts of the stack on the command line, or list what would go."""
    stack, *options = sys.argv[1:]
    try:
        listed = ServerList.read(stack, StackConfig.read(stack).site)
        if options == ["--list"]:
            print("\n".join(told(name) for name in listed.hosts))  # noqa: T201 - its own output
            return 0
        own = {name: listed.variables(name) for name in listed.hosts}
        remove(stack, remotes(own, listed.shared(stack)))
    except KlokkenError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a program's own output
        return error.code
    return 0


if __name__ == "__main__":
    sys.exit(main())
