"""A stack of the tests' own, used as a person would use one: by its commands."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from klokken.paths import PROJECT
from klokken.stackconfig import config_path

if TYPE_CHECKING:
    from collections.abc import Mapping

# Variables of the role identity where it is not the warm-up that is tested: it takes a minute of
# both cores after each start of Keycloak.
BRIEF_WARM_UP = {"identity_warmup_logins": 40}
KLOKKEN = str(Path(sys.executable).parent / "klokken")
LONGEST = 1500


class Stack:
    """A stack by its name, and what its commands find in their environment beside the usual."""

    def __init__(self, name: str, environment: Mapping[str, str] | None = None) -> None:
        self.name = name
        self._environment = dict(environment or {})

    def klokken(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return run(KLOKKEN, *arguments, **self._environment)

    def up(self) -> str:
        """Stand it up and return what was printed on the way."""
        done = self.klokken("up", self.name)
        assert done.returncode == 0, done.stdout[-3000:]
        return done.stdout

    def up_and_checked(self) -> str:
        """Stand it up and check it, and say how long that took; return what `up` printed."""
        began = time.monotonic()
        log = self.up()
        up = time.monotonic() - began
        checked = self.klokken("check", self.name)
        whole = time.monotonic() - began
        print(f"{self.name}: up in {up:.0f} s, checked after {whole:.0f} s")  # noqa: T201 - a figure to keep
        assert checked.returncode == 0, checked.stdout[-3000:]
        return log

    def configure(self, **changes: Any) -> None:
        """Write the stack's config, or change top-level values of it."""
        path = config_path(self.name)
        content = yaml.safe_load(path.read_text()) if path.exists() else {"config": {}}
        content["config"] |= {f"klokken:{key}": value for key, value in changes.items()}
        path.write_text(yaml.safe_dump(content, sort_keys=False))


def run(*argv: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; its output stands in the test's own, for who has to debug."""
    done = subprocess.run(
        argv,
        cwd=PROJECT,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LONGEST,
        check=False,
    )
    sys.stdout.write(done.stdout)
    return done
