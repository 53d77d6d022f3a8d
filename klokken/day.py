"""A day: storms that are rung one after the other, each with results and a verdict of its own."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from klokken.document import Document, read_yaml, validated
from klokken.errors import InputError
from klokken.profile import Name, Profile, Title, is_day, profile_path


class Day(Document):
    """The names of profiles, whose files lie beside the day's own, in the order of ringing."""

    name: Name
    title: Title
    storms: Annotated[list[Name], Field(min_length=1)]


def profiles(name: str) -> list[Profile]:
    """Return the profile called `name`, or those of the day of that name; raise InputError."""
    path = profile_path(name)
    body = read_yaml(path)
    if not is_day(body):
        return [Profile.read(path)]
    day = validated(Day, body, path)
    if day.name != path.stem:
        raise InputError(path, "name", f"is {day.name!r}", f"call it {path.stem!r}")
    files = [path.with_name(f"{storm}.yaml") for storm in day.storms]
    for number, file in enumerate(files):
        if not file.exists():
            raise InputError(path, f"storms.{number}", f"there is no {file.name} beside it")
    return [Profile.read(file) for file in files]
