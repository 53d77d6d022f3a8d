"""What `up` prints of a task that failed."""

from __future__ import annotations

import pytest

from stacks.ansible.playbook import message

OF_A_LOOP = {
    "msg": "One or more items failed",
    "results": [
        {"msg": "All assertions passed"},
        {"failed": True, "msg": "drive_version: missing"},
        {"failed": True, "msg": "drive_sha256: not 64 hexadecimal digits"},
    ],
}


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ({"msg": "no such file"}, "no such file"),
        (OF_A_LOOP, "drive_version: missing; drive_sha256: not 64 hexadecimal digits"),
        ({"msg": "no package", "results": ["of apt, and no loop"]}, "no package"),
        ({"censored": "hidden"}, "hidden, since the task handles secrets"),
        ({}, "no message"),
    ],
)
def test_a_failure_says_what_each_failed_item_says(result: dict[str, object], said: str) -> None:
    assert message(result) == said
