"""A changed role is run again where it is used, and nowhere else."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from klokken.paths import PROJECT
from klokken.roles import roles_of
from klokken.topology import Tier
from stacks.ansible import sources

if TYPE_CHECKING:
    from pathlib import Path

ROLES = sorted(path.name for path in (PROJECT / "roles").iterdir() if path.is_dir())
USED = {tier: roles_of(tier) for tier in Tier}


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of all that hosts are configured from, which may be changed."""
    shutil.copytree(PROJECT / "roles", tmp_path / "roles")
    for file in ("site.yml", "ansible.cfg", "pyproject.toml"):
        shutil.copy(PROJECT / file, tmp_path)
    for cargo in ("klokken", "loadtests"):
        (tmp_path / cargo).mkdir()
        (tmp_path / cargo / "__init__.py").touch()
    monkeypatch.setattr(sources, "PROJECT", tmp_path)
    monkeypatch.setattr(sources, "SITE", tmp_path / "site.yml")
    # The playbook is read often here, and stays as it is.
    monkeypatch.setattr(sources, "roles_of", USED.__getitem__)
    return tmp_path


def digests() -> dict[Tier, str]:
    return {tier: sources.digest(tier) for tier in Tier}


def differing(before: dict[Tier, str]) -> set[Tier]:
    """Return the tiers that Ansible would now run for."""
    after = digests()
    return {tier for tier in Tier if before[tier] != after[tier]}


def users_of(role: str) -> set[Tier]:
    return {tier for tier, used in USED.items() if role in used}


def test_the_roles_of_all_hosts_are_used_by_every_tier() -> None:
    assert users_of("base") == users_of("exporters") == set(Tier)


@pytest.mark.heavy
@pytest.mark.parametrize("role", ROLES)
def test_a_changed_file_of_a_role_touches_the_tiers_that_run_it(checkout: Path, role: str) -> None:
    before = digests()
    for file in sorted((checkout / "roles" / role).rglob("*")):
        if file.is_file() and file.name != "README.md":
            file.write_text(file.read_text() + "\n# One line more.\n")
            after = digests()
            assert {tier for tier in Tier if before[tier] != after[tier]} == users_of(role), file
            before = after


@pytest.mark.parametrize("role", ROLES)
def test_a_file_that_comes_goes_or_moves_touches_the_tiers_that_run_it(
    checkout: Path, role: str
) -> None:
    new = checkout / "roles" / role / "tasks" / "further.yml"
    before = digests()
    new.write_text("[]\n")
    assert differing(before) == users_of(role)
    with_it = digests()
    moved = new.rename(new.with_name("moved.yml"))
    assert differing(with_it) == users_of(role)
    moved.unlink()
    assert differing(before) == set()


@pytest.mark.parametrize("role", ROLES)
def test_what_a_readme_says_configures_no_host(checkout: Path, role: str) -> None:
    before = digests()
    (checkout / "roles" / role / "README.md").write_text("Another text.\n")
    assert differing(before) == set()


@pytest.mark.parametrize("cargo", ["klokken/new.py", "loadtests/new.py", "pyproject.toml"])
def test_the_load_generators_code_touches_them_alone(checkout: Path, cargo: str) -> None:
    before = digests()
    (checkout / cargo).write_text("# Another text.\n")
    assert differing(before) == {Tier.LOADGEN}


def test_how_the_labs_drive_is_built_touches_cells_alone(checkout: Path) -> None:
    before = digests()
    (checkout / "tools/drive").mkdir(parents=True)
    (checkout / "tools/drive/main.go").write_text("package main\n")
    assert differing(before) == {Tier.DRIVE}


@pytest.mark.parametrize("file", ["site.yml", "ansible.cfg"])
def test_how_ansible_runs_touches_every_tier(checkout: Path, file: str) -> None:
    before = digests()
    (checkout / file).write_text((checkout / file).read_text() + "# One line more.\n")
    assert differing(before) == set(Tier)
