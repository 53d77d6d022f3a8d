"""What a program of the machine complains of is told in the one line that says it."""

from __future__ import annotations

import pytest

from klokken.errors import MachineError
from stacks.lab.shell import run

# What each prints as it fails, and the line of it that a person can use.
COMPLAINTS = {
    "nft": (
        "/dev/stdin:4:10-12: Error: No such file or directory\n    type nat\n         ^^^\n",
        "/dev/stdin:4:10-12: Error: No such file or directory",
    ),
    "mount": (
        "mount: /srv: wrong fs type.\n       dmesg(1) may have more information.\n",
        "mount: /srv: wrong fs type.",
    ),
    "apt-get": ("W: old\nE: no lock\n", "E: no lock"),
    "silence": ("", "exit 3"),
    "a blank": ("  \n", "exit 3"),
}


@pytest.mark.parametrize(("said", "told"), COMPLAINTS.values(), ids=COMPLAINTS)
def test_the_line_that_says_it_is_told(said: str, told: str) -> None:
    with pytest.raises(MachineError) as caught:
        run("sh", "-c", 'printf %s "$0" >&2; exit 3', said)
    assert str(caught.value).endswith(f": {told}")
