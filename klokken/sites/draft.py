"""A site's first stack config: the example of its substrate, with a kommune's own figures."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import count
from math import ceil
from typing import TYPE_CHECKING

import yaml

from klokken.capacity.kommuner import kommune
from klokken.clouds.settings import label
from klokken.errors import InputError
from klokken.paths import PROJECT
from klokken.population import PUPILS_A_SCHOOL, largest_cell
from klokken.stackconfig import StackConfig, config_path

if TYPE_CHECKING:
    from pathlib import Path

    from klokken.capacity.kommuner import Kommune

EXAMPLES = PROJECT / "stacks" / "examples"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a person says of a new site; `cell` is how many pupils a cell of the drive may have."""

    stack: str
    substrate: str
    kommune: str
    domain: str | None
    network: str | None
    cell: int


@dataclass(frozen=True, slots=True)
class Draft:
    """A stack config that is not yet written: its text, what it says, and whose it is."""

    path: Path
    text: str
    config: StackConfig
    kommune: Kommune


def substrates() -> list[str]:
    """Return the substrates that there is an example of."""
    return sorted(path.stem for path in EXAMPLES.glob("*.yaml"))


def draft(wishes: Wishes) -> Draft:
    """Return the config of a new site; raise InputError where it cannot be."""
    path = config_path(wishes.stack)
    if path.exists():
        raise InputError(path, "", "is there already", "choose another name for the stack")
    place = kommune(wishes.kommune)
    cells = _cells(place.pupils.value, wishes.cell)
    text = (EXAMPLES / f"{wishes.substrate}.yaml").read_text(encoding="utf-8")
    text = _with(text, r"( accounts: ).*", str(place.pupils.value))
    text = _with(text, r"( drive: \{count: )\d+", str(cells))
    text = _with(text, r"( owner: ).*", label(place.name))
    for field, value in (("domain", wishes.domain), ("network", wishes.network)):
        if value is not None:
            text = _with(text, rf"( {field}: ).*", value)
    text = _header(place) + text
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError:
        problem, mend = "hold what YAML reads otherwise", "give a plain name and a network"
        raise InputError("new site", "--domain, --network", problem, mend) from None
    config = StackConfig.parse(content["config"], path)
    config.substrate.check(wishes.stack, config.site, path)
    return Draft(path, text, config, place)


def _cells(pupils: int, most: int) -> int:
    """Return the fewest cells of which none has more than `most` pupils; schools stay whole."""
    most = max(most, PUPILS_A_SCHOOL)
    return next(n for n in count(ceil(pupils / most)) if largest_cell(pupils, n) <= most)


def _with(text: str, pattern: str, value: str) -> str:
    """Return the text with what follows a key put in place of the example's; comments stay."""
    return re.sub(pattern, lambda found: found[1] + value, text, count=1)


def _header(place: Kommune) -> str:
    pupils, schools = place.pupils, place.schools
    ground = f"assumed: {pupils.why}" if pupils.assumed else pupils.source
    return (
        f"# {place.name}: {pupils.value:,} pupils at {schools.value:,} schools"
        f"{' (assumed)' if schools.assumed else ''}.\n# The pupils are {_small(ground)}\n"
        "# How many hosts of which size are enough, `klokken size` says; this is a beginning.\n"
    )


def _small(ground: str) -> str:
    """Return a ground on one line, to be read after a verb."""
    line = " ".join(ground.split())
    return line if line.startswith("assumed") else f"from: {line}"
