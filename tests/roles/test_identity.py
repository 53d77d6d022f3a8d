"""Keycloak's settings: a node looks for others only where a site has others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.roles.rendering import rendered

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.heavy

OF_ALL = {
    "site_domain": "skole.test",
    "site_secret_database": "secret",
    "site_secret_admin": "secret",
    "site_address": "198.18.0.31",
}


@pytest.mark.parametrize(("nodes", "cache"), [(1, "local"), (2, "ispn")])
def test_only_nodes_with_others_look_for_them(tmp_path: Path, nodes: int, cache: str) -> None:
    groups = {
        "identity": {f"identity{n}": OF_ALL for n in range(1, nodes + 1)},
        "database": {"database1": OF_ALL},
    }
    settings = rendered(tmp_path, groups, "identity", "keycloak.conf.j2")["identity1"]
    assert f"\ncache={cache}\n" in settings
    assert ("bind-address" in settings) == (nodes > 1)
