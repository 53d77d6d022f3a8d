from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from klokken.day import Day
from klokken.paths import PROJECT
from klokken.profile import PROFILES, Profile

PAGE = (PROJECT / "docs/arrivals.md").read_text(encoding="utf-8")
EXAMPLES = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
MINUTE = yaml.safe_load((PROFILES / "minute.yaml").read_text())


@pytest.mark.parametrize("example", [e for e in EXAMPLES if "storms" not in e])
def test_every_section_on_the_page_is_one_that_a_profile_can_have(example: dict[str, Any]) -> None:
    assert set(example) <= {"arrivals", "bells"}
    Profile.model_validate(MINUTE | example)


def test_the_day_on_the_page_is_the_one_that_comes_with_klokken() -> None:
    (written,) = [Day.model_validate(e) for e in EXAMPLES if "storms" in e]
    assert written == Day.model_validate(yaml.safe_load((PROFILES / "school-day.yaml").read_text()))
