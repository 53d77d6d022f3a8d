"""What the roles of a tier take: variables, as each role's argument spec declares them.

Ansible checks them once more, on hosts that by then exist, and more loosely: it takes "8" for a
number, and the role is then handed the text. Here a value is what it shall be, or refused.
"""

from __future__ import annotations

import difflib
from functools import cache
from typing import TYPE_CHECKING, Any

from klokken.document import read_yaml
from klokken.errors import InputError
from klokken.paths import PROJECT
from klokken.topology import Tier

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SITE = PROJECT / "site.yml"
ROLES = PROJECT / "roles"
# What the substrate and the program say of hosts and of their site, and nobody else.
GIVEN = ("ansible_", "site_")
# What an expression stands for is known on the host alone.
EXPRESSION = "{{"
KINDS: dict[str, tuple[type, str]] = {
    "bool": (bool, "true or false"),
    "dict": (dict, "a mapping"),
    "int": (int, "a whole number"),
    "list": (list, "a list"),
    "path": (str, "a text"),
    "str": (str, "a text"),
}
# A field, what is wrong with it, and the mend.
Fault = tuple[str, str, str]
Option = dict[str, Any]


def roles_of(tier: Tier) -> list[str]:
    """Return the roles that site.yml gives the hosts of `tier`, in order."""
    plays = read_yaml(SITE)
    return [
        role["role"] for play in plays if play["hosts"] in ("all", tier) for role in play["roles"]
    ]


@cache
def variables_of(tier: Tier) -> dict[str, Option]:
    """Return what may be said to the roles of `tier`: each variable and its declaration."""
    return {name: option for role in roles_of(tier) for name, option in _options(role).items()}


def require_known(tier: Tier, given: Mapping[str, Any], source: object, field: str) -> None:
    """Raise InputError about the first of `given` that the roles of `tier` do not take so."""
    # Specs are read only for tiers that are told something.
    for place, problem, mend in _faults(tier, given, field) if given else ():
        raise InputError(source, place, problem, mend)


def _faults(tier: Tier, given: Mapping[str, Any], field: str) -> Iterator[Fault]:
    """Yield what is wrong with the variables of a tier, or of a host of it."""
    known = variables_of(tier)
    for name, value in given.items():
        place = _place(field, name)
        if name.startswith(GIVEN):
            yield place, "not given here", "remove it: Klokken sets it itself"
        elif name in known:
            yield from _of_value(value, known[name], place)
        else:
            yield place, f"no variable of the tier {tier}", _mend(name, known)


def _mend(name: str, known: Mapping[str, Option]) -> str:
    """Return what to do about a variable that none of the tier's roles has."""
    elsewhere = next((tier for tier in Tier if name in variables_of(tier)), None)
    if elsewhere:
        return f"it is one of the tier {elsewhere}"
    return _nearest(name, known)


def _nearest(name: str, known: Mapping[str, Option]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else "remove it"


def _of_value(value: Any, option: Option, field: str) -> Iterator[Fault]:
    """Yield what is wrong with one value, by its declaration."""
    if isinstance(value, str) and EXPRESSION in value:
        return
    kind, words = KINDS[option["type"]]
    choices = option.get("choices")
    if not _is(value, kind):
        yield field, f"not {words}{_shown(value)}", f"give {words}"
    elif choices and value not in choices:
        yield field, f"none of its choices{_shown(value)}", f"choose {', '.join(choices)}"
    elif kind is list and "elements" in option:
        element = {"type": option["elements"], "options": option.get("options")}
        for number, each in enumerate(value):
            yield from _of_value(each, element, f"{field}.{number}")
    elif kind is dict and option.get("options"):
        yield from _of_mapping(value, option["options"], field)


def _is(value: Any, kind: type) -> bool:
    """Say whether a value is of a kind; true is no number here, though it is one to Python."""
    return type(value) is kind


def _of_mapping(
    value: Mapping[str, Any], options: Mapping[str, Option], field: str
) -> Iterator[Fault]:
    """Yield what is wrong with a mapping whose keys are declared."""
    for name, each in value.items():
        if name in options:
            yield from _of_value(each, options[name], _place(field, name))
        else:
            yield _place(field, name), "unknown key", _nearest(name, options)
    for name, option in options.items():
        if option.get("required") and name not in value:
            yield f"{field}.{name}", "missing", "add it"


def _place(field: str, name: str) -> str:
    """Return the field of a name, which a person may have written with anything in it."""
    return f"{field}.{name if name.isprintable() else repr(name)}"


def _shown(value: Any) -> str:
    """Return a value as a line tells it, unless it is too large for one."""
    if value is None:
        return " (got nothing)"
    return f" (got {value!r})" if isinstance(value, (str, int, float)) else ""


def _options(role: str) -> dict[str, Option]:
    """Return the variables of one role that a person may set."""
    specs = read_yaml(ROLES / role / "meta" / "argument_specs.yml")
    declared = specs["argument_specs"]["main"]["options"]
    return {name: option for name, option in declared.items() if not name.startswith(GIVEN)}
