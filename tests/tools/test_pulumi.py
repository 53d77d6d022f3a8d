"""The Pulumi on PATH is used where it is new enough, and built where it is not."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest

from tests.tools.checkout import Checkout

if TYPE_CHECKING:
    from pathlib import Path

# The pinned version is that of the Python package.
PINNED = version("pulumi")
BUILT = {
    "pulumi",
    "pulumi-language-python",
    "pulumi-language-python-exec",
    "pulumi-resource-pulumi-python",
}
# Notes what it builds, and makes it at once; knows where the modules' own files are.
QUICK_GO = """
case $1 in
  env) echo go99.1 ;;
  list) echo "$SDK" ;;
  build)
    for package; do :; done
    until [ "$1" = -o ]; do shift; done
    touch "$2${package##*/}"
    echo "${package##*/}" >> "$BEGUN"
    ;;
esac
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    found = Checkout(tmp_path)
    sdk = tmp_path / "sdk" / "python"
    for folder, name in (("cmd", "pulumi-language-python-exec"),
                         ("dist", "pulumi-resource-pulumi-python")):  # fmt: skip
        (sdk / folder).mkdir(parents=True)
        (sdk / folder / name).touch()
    found.stand_in("go", f"SDK={sdk.parent}\n{QUICK_GO}")
    return found


def on_path(checkout: Checkout, pulumi: str, *others: str) -> None:
    checkout.stand_in("pulumi", f"echo v{pulumi}")
    for name in others:
        checkout.stand_in(name, "exit 0")


def built(checkout: Checkout) -> list[str]:
    """Run the installer; return what it built."""
    checkout.begun.write_text("")
    done = checkout.run("tools/pulumi/install", str(checkout.cache))
    assert done.returncode == 0, done.stderr
    return checkout.begun.read_text().split()


@pytest.mark.parametrize("newer", [PINNED, "99.0.0"])
def test_the_one_on_path_is_used_from_the_pinned_version_on(checkout: Checkout, newer: str) -> None:
    on_path(checkout, newer, "pulumi-language-python")
    assert built(checkout) == []
    assert list(checkout.cache.iterdir()) == []


@pytest.mark.parametrize("older", ["3.9.0", "2.999.0"])
def test_an_older_one_on_path_is_not_used(checkout: Checkout, older: str) -> None:
    on_path(checkout, older, "pulumi-language-python")
    assert built(checkout) == ["pulumi", "pulumi-language-python"]
    folder = checkout.cache / "tools" / "bin"
    assert {path.name for path in folder.iterdir() if path.name[0] != "."} == BUILT


def test_one_that_cannot_run_python_is_not_used(checkout: Checkout) -> None:
    on_path(checkout, PINNED)
    assert built(checkout) == ["pulumi", "pulumi-language-python"]


def test_what_was_built_is_used_again(checkout: Checkout) -> None:
    assert built(checkout)
    assert built(checkout) == []
    assert checkout.half_made() == []
