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
    r"/slapd\.conf$|\.schema$": "slaptest -u -f",
}
# What no program can check before it lands, and why.
UNCHECKED = {
    r"\.service\.d/|drive-secret\.conf$|apparmor\.d/local/": "a part of what is checked whole",
    r"pg_hba\.conf$": "the running server checks it, and keeps the one before",
    r"\.env$|^/etc/default/": "names and values for a unit, of any kind",
    r"/sysctl\.d/": "a setting that a host may not change is left as it is",
    r"/journald\.conf\.d/|/klokken-loadgen\.conf$": "systemd passes over what it does not know",
    r"/keycloak\.conf$|prometheus-process-exporter\.yml$": "its program has no check, only a start",
    r"\.html$|/credentials/|/etc/klokken/(stack$|units\.d/|versions/)|/\.unpacked$": "a text",
    r"^/opt/|drive_home|loadgen_draft": "a program or an archive, by its checksum",
}


SERVICE = "ansible.builtin.systemd_service"


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
    for task, written in role.written():
        for dest in destinations(task, written["dest"]):
            for pattern, checker in CHECKERS.items():
                if re.search(pattern, dest) and not has_no_checker(dest):
                    unchecked += [dest] if checker not in written.get("validate", "") else []
    assert unchecked == []


@every_role
def test_a_file_is_checked_before_it_lands_or_there_is_a_reason(role: Role) -> None:
    assert [
        dest
        for task, written in role.written()
        if not written.get("validate")
        for dest in destinations(task, written["dest"])
        if not has_no_checker(dest)
    ] == []


def test_every_checker_and_every_reason_has_its_files() -> None:
    everything = [
        dest
        for role in ROLES
        for task, written in role.written()
        for dest in destinations(task, written["dest"])
    ]
    patterns = [*CHECKERS, *UNCHECKED]
    assert [p for p in patterns if not any(re.search(p, dest) for dest in everything)] == []


@every_role
def test_a_role_has_all_its_parts(role: Role) -> None:
    parts = ["README.md", "defaults/main.yml", "meta/argument_specs.yml", "meta/main.yml"]
    parts += ["tasks/main.yml", "traces.yml"]
    assert [part for part in parts if not (role.path / part).is_file()] == []


@every_role
def test_whoever_is_notified_is_a_handler_of_the_role(role: Role) -> None:
    notified = {name for task in role.tasks() for name in listed(task.get("notify", []))}
    handlers = {
        handler["name"]: set(listed(handler.get("listen", []))) for handler in role.handlers()
    }
    assert notified <= handlers.keys() | {topic for topics in handlers.values() for topic in topics}
    # A topic may be another role's.
    assert {name for name, topics in handlers.items() if not topics} <= notified


@every_role
def test_services_read_what_a_run_that_was_cut_short_has_changed(role: Role) -> None:
    again = [task for task in role.tasks() if "site_unfinished" in str(task.get("changed_when"))]
    told = {name for task in again for name in listed(task["notify"])}
    handlers = [handler for handler in role.handlers() if SERVICE in handler]
    units = {handler[SERVICE].get("name") for handler in handlers}
    assert {h[SERVICE].get("name") for h in handlers if h["name"] in told} == units


@every_role
def test_every_template_is_used_and_is_there(role: Role) -> None:
    folder = role.path / "templates"
    there = {str(path.relative_to(folder)) for path in folder.rglob("*.j2")}
    named = {
        source for task in role.tasks() for source in sources(task) if not source.startswith("{{")
    }
    said = "".join(path.read_text() for path in (role.path / "tasks").glob("*.yml"))
    said += "".join(path.read_text() for path in folder.rglob("*.j2"))
    assert named <= there
    assert {name for name in there - named if name not in said} == set()


@every_role
def test_a_task_that_handles_a_secret_says_nothing(role: Role) -> None:
    talkative = [
        task["name"]
        for task in role.tasks()
        if re.search(r"site_secret_(?!ca_certificate)", str(task)) and not task.get("no_log")
    ]
    assert talkative == []


def has_no_checker(dest: str) -> bool:
    """Say whether nothing can check what is written there."""
    return any(re.search(pattern, dest) for pattern in UNCHECKED)


def sources(task: dict[str, Any]) -> list[str]:
    """Return the templates that a task writes, item by item."""
    written = task.get("ansible.builtin.template")
    return each_item(task, written["src"]) if written else []


def destinations(task: dict[str, Any], dest: str) -> list[str]:
    """Return where a task writes, item by item."""
    return each_item(task, dest + ("{{ item }}" if dest.endswith("/") else ""))


def listed(names: str | list[str]) -> list[str]:
    """Return what a task names, which may be one or several."""
    return [names] if isinstance(names, str) else names


def each_item(task: dict[str, Any], text: str) -> list[str]:
    """Return what a text of a task is for each item of its loop, as far as the task says."""
    items = task.get("loop")
    names = [str(item) for item in items] if isinstance(items, list) else []
    return [text.replace("{{ item }}", name) for name in names] or [text]
