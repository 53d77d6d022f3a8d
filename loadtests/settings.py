"""What a Locust process is told through its environment."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from klokken.document import validated
from klokken.errors import InputError
from klokken.results import StormPlan
from loadtests.target import Target, allowed_target
from loadtests.world import origins

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Settings:
    """The environment of a master or a worker; variables are read when asked for."""

    environment: Mapping[str, str]

    @classmethod
    def of_process(cls) -> Settings:
        """Return the settings of this process."""
        return cls(os.environ)

    @property
    def run_folder(self) -> Path:
        """The folder that the master writes the run to."""
        return self._path("KLOKKEN_RUN_DIR")

    @property
    def ca_file(self) -> Path:
        """The certificate authority that the site's certificate must come from."""
        return self._path("KLOKKEN_CA_FILE")

    def plan(self) -> StormPlan:
        """Return the plan of the storm, or raise InputError."""
        path = self._path("KLOKKEN_PLAN")
        try:
            value = json.loads(self._text(path))
        except ValueError as error:
            raise InputError(path, "", f"is not JSON ({error})") from None
        return validated(StormPlan, value, path)

    def targets(self, plan: StormPlan) -> dict[str, Target]:
        """Return where the storm goes by origin, or raise StormRefusedError where it may not."""
        given = self._value("KLOKKEN_ALLOWED").split(",")
        allowed = {address.strip() for address in given}
        return {origin: allowed_target(origin, allowed) for origin in origins(plan)}

    def sources(self) -> list[str]:
        """Return the addresses that connections are opened from, where there are several."""
        given = self.environment.get("KLOKKEN_SOURCES", "")
        return [address for address in given.split(",") if address]

    def password(self) -> str:
        """Return the password that all synthetic accounts share."""
        path = self._path("KLOKKEN_PASSWORD_FILE")
        return self._text(path).strip("\r\n")

    def _value(self, name: str) -> str:
        value = self.environment.get(name, "")
        if not value:
            raise InputError("environment", name, "is not set", "start Locust by `klokken storm`")
        return value

    def _path(self, name: str) -> Path:
        return Path(self._value(name))

    @staticmethod
    def _text(path: Path) -> str:
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(path, "", f"cannot be read ({error})") from None
