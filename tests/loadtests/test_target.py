from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from klokken.errors import InputError, StormRefusedError
from loadtests.settings import Settings
from loadtests.target import Target, allowed_target

if TYPE_CHECKING:
    from pathlib import Path


def test_a_storm_goes_to_the_very_address_that_was_checked() -> None:
    target = allowed_target("https://login.skole.test", ["198.18.0.51"], lambda *_: ["198.18.0.51"])
    assert target == Target("login.skole.test", "198.18.0.51", 443)
    assert target.authority == "login.skole.test"


@pytest.mark.parametrize("found", [["203.0.113.9"], ["198.18.0.51", "203.0.113.9"], []])
def test_any_address_outside_the_stack_is_refused(found: list[str]) -> None:
    with pytest.raises(StormRefusedError, match=r"login\.skole\.test: resolves to"):
        allowed_target("https://login.skole.test", ["198.18.0.51"], lambda *_: found)


@pytest.mark.parametrize("url", ["http://login.skole.test", "https://", "login", "https://a/b"])
def test_only_a_bare_https_origin_is_a_login(url: str) -> None:
    with pytest.raises(StormRefusedError, match="storm: url"):
        allowed_target(url, ["198.18.0.51"], lambda *_: ["198.18.0.51"])


def test_a_name_that_does_not_resolve_is_refused() -> None:
    with pytest.raises(StormRefusedError, match="does not resolve"):
        allowed_target("https://no-such-host.invalid", ["198.18.0.51"])


def test_a_missing_variable_or_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="environment: KLOKKEN_PLAN: is not set"):
        Settings({}).plan()
    with pytest.raises(InputError, match="cannot be read"):
        Settings({"KLOKKEN_PLAN": str(tmp_path / "none")}).plan()
    broken = tmp_path / "plan.json"
    broken.write_text("{")
    with pytest.raises(InputError, match="is not JSON"):
        Settings({"KLOKKEN_PLAN": str(broken)}).plan()
    broken.write_text("{}")
    with pytest.raises(InputError, match="run: missing"):
        Settings({"KLOKKEN_PLAN": str(broken)}).plan()
