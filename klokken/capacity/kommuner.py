"""The kommuner: inhabitants, schools and pupils of each, with a source or marked assumed.

Where the inhabitants of a kommune are not known, they are drawn from its size class by its name
alone. The children that are left of the national count are shared out by inhabitants among those
kommuner whose pupils are not known, and their schools follow from the average school.
"""

from __future__ import annotations

import difflib
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from klokken.document import Document, read_yaml, validated
from klokken.errors import InputError
from klokken.figure import Count, Figure

KOMMUNER = Path(__file__).parent / "kommuner.yaml"


class Band(Document):
    """The inhabitants of a size class."""

    least: Annotated[int, Field(alias="from", ge=1)]
    most: Annotated[int, Field(alias="to", ge=1)]


class Row(Document):
    """What is known of a kommune; `source` names one of the file's sources."""

    name: str
    size: Annotated[str, Field(alias="class")]
    today: bool = False
    inhabitants: Count | None = None
    schools: Count | None = None
    pupils: Count | None = None
    source: str = ""


class Kommuner(Document):
    """The file as it is written."""

    children: Figure[Count]
    pupils_a_school: Figure[Count]
    classes: dict[str, Band]
    sources: dict[str, str]
    kommuner: Annotated[list[Row], Field(min_length=1)]

    @model_validator(mode="after")
    def _named(self) -> Kommuner:
        for row in self.kommuner:
            known = (row.inhabitants, row.schools, row.pupils) != (None, None, None)
            if row.size not in self.classes:
                raise ValueError(f"`kommuner` has {row.name}, whose class is none of `classes`")
            if known != (row.source in self.sources):
                raise ValueError(f"`kommuner` has {row.name}, whose source is none of `sources`")
        return self


class Kommune(Document):
    """A kommune, every figure with its ground; `today` is whether it takes part already."""

    name: str
    today: bool
    inhabitants: Figure[int]
    schools: Figure[int]
    pupils: Figure[int]


@cache
def kommuner(path: Path = KOMMUNER) -> tuple[Kommune, ...]:
    """Return all kommuner, in the order of the file; raise InputError where it is wrong."""
    written = validated(Kommuner, read_yaml(path), path)
    inhabitants = [_inhabitants(row, written) for row in written.kommuner]
    pupils = _pupils(written, [figure.value for figure in inhabitants])
    return tuple(
        Kommune(
            name=row.name,
            today=row.today,
            inhabitants=people,
            pupils=children,
            schools=_schools(row, written, children.value),
        )
        for row, people, children in zip(written.kommuner, inhabitants, pupils, strict=True)
    )


def kommune(name: str) -> Kommune:
    """Return the kommune of this name, however it is capitalised; raise InputError."""
    there = {each.name.casefold(): each for each in kommuner()}
    if name.casefold() not in there:
        near = difflib.get_close_matches(name.casefold(), there, n=1)
        mend = f"did you mean {there[near[0]].name}?" if near else "write it as in Danish"
        raise InputError("kommune", name, "there is no kommune of this name", mend)
    return there[name.casefold()]


def _inhabitants(row: Row, written: Kommuner) -> Figure[int]:
    if row.inhabitants is not None:
        return Figure(value=row.inhabitants, source=written.sources[row.source])
    band = written.classes[row.size]
    word = int.from_bytes(sha256(row.name.encode()).digest()[:6])
    # Even over the logarithm: there are more small kommuner than large ones in each class.
    drawn = band.least * (band.most / band.least) ** (word / 2**48)
    return Figure(
        value=round(drawn, -2),
        assumed=True,
        why=f"Drawn from its size class, {band.least:,} to {band.most:,} inhabitants.",
    )


def _pupils(written: Kommuner, inhabitants: list[int]) -> list[Figure[int]]:
    """Return the pupils of each, which add up to the national count of children."""
    known = [row.pupils or 0 for row in written.kommuner]
    left = written.children.value - sum(known)
    people = sum(n for n, there in zip(inhabitants, known, strict=True) if not there)
    found: list[Figure[int]] = []
    for row, own in zip(written.kommuner, inhabitants, strict=True):
        if row.pupils is not None:
            found.append(Figure(value=row.pupils, source=written.sources[row.source]))
            continue
        # What is left goes by the inhabitants that are left, so that nothing is lost to rounding.
        share = round(left * own / people)
        left, people = left - share, people - own
        why = "Its inhabitants' share of the country's children aged 6 to 15, less known pupils."
        found.append(Figure(value=share, assumed=True, why=why))
    return found


def _schools(row: Row, written: Kommuner, pupils: int) -> Figure[int]:
    if row.schools is not None:
        return Figure(value=row.schools, source=written.sources[row.source])
    average = written.pupils_a_school.value
    why = f"Its pupils, {average} a school."
    return Figure(value=max(1, round(pupils / average)), assumed=True, why=why)
