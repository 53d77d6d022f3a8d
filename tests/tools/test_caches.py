"""What can be made again lives in the user's cache folder, and nothing of it in the checkout."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

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


def test_what_python_compiles_is_there_however_it_is_started() -> None:
    ask = "import sys; print(sys.pycache_prefix)"
    done = subprocess.run(
        [sys.executable, "-c", ask], env={}, capture_output=True, text=True, check=True
    )
    assert not Path(done.stdout.strip()).is_relative_to(PROJECT)
    assert Path(done.stdout.strip()).name == "python"
