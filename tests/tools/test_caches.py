"""What can be made again lives in the user's cache folder, and nothing of it in the checkout."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from hypothesis.configuration import storage_directory

from klokken.paths import PROJECT, cache_folder

SETTINGS = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]


def test_linters_and_tests_keep_theirs_there() -> None:
    kept = [
        SETTINGS["ruff"]["cache-dir"],
        SETTINGS["mypy"]["cache_dir"],
        SETTINGS["pytest"]["ini_options"]["cache_dir"],
    ]
    assert {str(Path(each).parent) for each in kept} == {"~/.cache/klokken"}


def test_what_hypothesis_remembers_is_there() -> None:
    assert storage_directory().path.is_relative_to(cache_folder())


@pytest.mark.parametrize("set_by_the_user", [{}, {"PYTHONDONTWRITEBYTECODE": "1"}])
def test_what_python_compiles_is_kept_there_however_it_is_started(
    set_by_the_user: dict[str, str],
) -> None:
    ask = "import sys; print(sys.pycache_prefix, sys.dont_write_bytecode)"
    done = subprocess.run(
        [sys.executable, "-c", ask], env=set_by_the_user, capture_output=True, text=True, check=True
    )
    prefix, withheld = done.stdout.split()
    assert not Path(prefix).is_relative_to(PROJECT)
    assert Path(prefix).name == "python"
    assert withheld == "False"
