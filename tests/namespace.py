"""A network of a test's own, in which the real `nft` may load whatever it is given."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

# Who is not root becomes so in a user namespace, where the kernel lets people have one.
ALONE = ["unshare", "--net", *([] if os.geteuid() == 0 else ["--map-root-user"])]


def in_own_network(script: str, given: str) -> str:
    """Return what a shell script prints there, with `given` on its standard input."""
    missing = [name for name in ("nft", "unshare") if not shutil.which(name)]
    if missing:
        pytest.fail(f"not on this machine: {', '.join(missing)}; run `make setup-test`")
    if (refused := _run("true", "")).returncode:
        pytest.fail(f"no network namespace here: {refused.stderr.strip()}; run the tests as root")
    done = _run(script, given)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _run(script: str, given: str) -> subprocess.CompletedProcess[str]:
    argv = [*ALONE, "sh", "-ec", script]
    return subprocess.run(argv, input=given, capture_output=True, text=True, check=False)
