"""What can be said of the roles without a host."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from tests.roles.role import Role

ROLES = Role.all()
every_role = pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)

# Files that a program can check before they land: where they go, and the program.
CHECKERS = {
    r"\.(service|socket|timer|path)$": "systemd-analyze verify",
    r"nftables": "nft -c -f",
    r"haproxy\.cfg$": "haproxy",
    r"sshd_config": "sshd -t",
    r"sudoers": "visudo -c",
    r"prometheus\.yml$": "promtool check config",
    r"/postgresql/.*\.conf$": "postgres ",
    r"chrony": "chronyd -p",
    r"\.pem$": "openssl",
    r"\.py$": "py_compile",
}
# What a checker cannot check: drop-ins are parts of a unit, and PostgreSQL's list of who may
# connect is checked by the running server.
UNCHECKED = r"\.service\.d/|pg_hba\.conf$"


def plain(value: Any) -> Any:
    """Return a default with the white space of its expressions made one."""
    return " ".join(value.split()) if isinstance(value, str) else value


@every_role
def test_variables_begin_with_the_roles_name(role: Role) -> None:
    assert [name for name in role.defaults if not name.startswith(f"{role.name}_")] == []
    foreign = [n for n in role.options if not n.startswith((f"{role.name}_", "site_"))]
    assert foreign == []


@every_role
def test_every_default_is_declared_as_it_is(role: Role) -> None:
    declared = {name: plain(role.options.get(name, {}).get("default")) for name in role.defaults}
    assert declared == {name: plain(value) for name, value in role.defaults.items()}


@every_role
def test_every_default_is_one_that_the_role_accepts(role: Role) -> None:
    spec = {name: role.options[name] for name in role.defaults}
    # What holds an expression has its type only on a host.
    given = {name: v for name, v in role.defaults.items() if "{{" not in str(v)}
    spec = {name: option for name, option in spec.items() if name in given}
    assert ArgumentSpecValidator(spec).validate(given).error_messages == []


@every_role
def test_what_is_declared_has_a_default_or_is_required(role: Role) -> None:
    optional = {name for name, option in role.options.items() if not option.get("required")}
    assert optional == set(role.defaults)


@every_role
def test_every_variable_is_described(role: Role) -> None:
    assert [name for name, option in role.options.items() if not option.get("description")] == []


@every_role
def test_no_secret_would_be_printed_by_its_own_check(role: Role) -> None:
    secrets = {name: o for name, o in role.options.items() if name.startswith("site_secret_")}
    assert [n for n, o in secrets.items() if "choices" in o or not o.get("no_log")] == []


@every_role
def test_the_readme_names_every_variable(role: Role) -> None:
    assert [name for name in role.options if f"`{name}`" not in role.readme] == []


@every_role
def test_the_readme_names_no_variable_that_is_none(role: Role) -> None:
    named = set(re.findall(rf"`({role.name}_[a-z_0-9]+)`", role.readme))
    assert named - set(role.options) == set()


@every_role
def test_every_file_that_has_a_checker_is_checked_before_it_lands(role: Role) -> None:
    unchecked = []
    for task in role.tasks():
        written = task.get("ansible.builtin.template") or task.get("ansible.builtin.copy")
        if not written or written.get("remote_src"):
            continue
        for dest in destinations(task, written["dest"]):
            for pattern, checker in CHECKERS.items():
                if re.search(pattern, dest) and not re.search(UNCHECKED, dest):
                    unchecked += [dest] if checker not in written.get("validate", "") else []
    assert unchecked == []


@every_role
def test_a_task_that_handles_a_secret_says_nothing(role: Role) -> None:
    talkative = [
        task["name"]
        for task in role.tasks()
        if re.search(r"site_secret_(?!ca_certificate)", str(task)) and not task.get("no_log")
    ]
    assert talkative == []


def destinations(task: dict[str, Any], dest: str) -> list[str]:
    """Return where a task writes, item by item."""
    items = task.get("loop", [""])
    names = [str(item) for item in items] if isinstance(items, list) else [""]
    return [re.sub(r"\{\{ item \}\}$", name, dest + ("{{ item }}" if dest.endswith("/") else ""))
            for name in names]  # fmt: skip
