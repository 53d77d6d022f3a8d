"""The kommuner: 98, each figure with a ground, and all children in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from klokken.capacity.kommuner import KOMMUNER, kommune, kommuner
from klokken.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

WRITTEN = yaml.safe_load(KOMMUNER.read_text())


def test_there_are_98_of_which_23_take_part_today() -> None:
    names = [each.name for each in kommuner()]
    assert len(set(names)) == len(names) == 98
    assert sum(each.today for each in kommuner()) == 23


def test_their_pupils_are_the_country_s_children() -> None:
    assert sum(each.pupils.value for each in kommuner()) == 632_603
    assert all(each.schools.value >= 1 and each.pupils.value > 0 for each in kommuner())


def test_every_figure_says_where_it_comes_from() -> None:
    for each in kommuner():
        for figure in (each.inhabitants, each.schools, each.pupils):
            assert bool(figure.source) != (figure.assumed and bool(figure.why))


def test_what_is_known_is_kept_and_what_is_not_is_drawn_from_the_size_class() -> None:
    horsens = kommune("Horsens")
    assert (horsens.inhabitants.value, horsens.schools.value) == (96_480, 15)
    assert horsens.pupils.value == 15 * 601
    assert not horsens.pupils.assumed
    bands = WRITTEN["classes"]
    sizes = {row["name"]: row["class"] for row in WRITTEN["kommuner"]}
    for each in kommuner():
        if each.inhabitants.assumed:
            band = bands[sizes[each.name]]
            assert band["from"] <= each.inhabitants.value <= band["to"]


def test_a_kommune_is_found_by_its_name_and_a_wrong_one_is_put_right() -> None:
    assert kommune("ærø").name == "Ærø"
    with pytest.raises(InputError, match=r"kommune: Horsen: .* did you mean Horsens"):
        kommune("Horsen")
    with pytest.raises(InputError, match="no kommune of this name"):
        kommune("Atlantis")


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"name": "Ny", "class": "huge"}, "Ny, whose class is none"),
        ({"name": "Ny", "class": "small", "pupils": 3}, "Ny, whose source is none"),
        ({"name": "Ny", "class": "small", "source": "counted"}, "Ny, whose source is none"),
        ({"name": "Ny", "class": "small", "pupils": -3}, "kommuner.0.pupils"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(
    tmp_path: Path, row: dict[str, Any], says: str
) -> None:
    path = tmp_path / "kommuner.yaml"
    path.write_text(yaml.safe_dump({**WRITTEN, "kommuner": [row]}))
    with pytest.raises(InputError, match=says) as caught:
        kommuner(path)
    assert "\n" not in str(caught.value)
