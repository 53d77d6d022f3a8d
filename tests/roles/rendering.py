"""What a role would write or refuse, worked out by Ansible itself; no host is asked or changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from klokken.paths import PROJECT

Hosts = dict[str, dict[str, Any]]


def play(folder: Path, groups: dict[str, Hosts], role: str, *tasks: dict[str, Any]) -> Any:
    """Run `tasks` with the variables of a role for every host; return what each host answered.

    That is a list of results a host, in the order of the tasks, one that failed being the last.
    """
    files = PROJECT / "roles" / role
    defaults = yaml.safe_load((files / "defaults/main.yml").read_text())
    children = {name: {"hosts": hosts} for name, hosts in groups.items()}
    inventory = {"all": {"vars": defaults, "children": children}}
    own = [str(path) for path in (files / "vars").glob("main.yml")]
    book = [{"hosts": "all", "gather_facts": False, "vars_files": own, "tasks": list(tasks)}]
    (folder / "hosts.yml").write_text(yaml.safe_dump(inventory))
    (folder / "book.yml").write_text(yaml.safe_dump(book))
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"),
        "ANSIBLE_ROLES_PATH": str(PROJECT / "roles"),
        "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
        "ANSIBLE_FORKS": "2",
        "NO_COLOR": "1",
    }
    done = subprocess.run(
        ["ansible-playbook", "-i", "hosts.yml", "book.yml"],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.lstrip().startswith("{"), done.stdout + done.stderr
    answers: dict[str, list[Any]] = {}
    for task in json.loads(done.stdout)["plays"][0]["tasks"]:
        for host, answer in task["hosts"].items():
            answers.setdefault(host, []).append(answer)
    return answers


def rendered(folder: Path, groups: dict[str, Hosts], role: str, template: str) -> dict[str, str]:
    """Return what a template of a role becomes on each host."""
    path = PROJECT / "roles" / role / "templates" / template
    text = f"{{{{ lookup('ansible.builtin.template', '{path}') }}}}"
    answers = play(folder, groups, role, {"ansible.builtin.debug": {"msg": text}})
    return {host: answer[-1]["msg"] for host, answer in answers.items()}
