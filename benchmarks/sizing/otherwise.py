"""Denmark as it might be otherwise: files for `klokken size`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from klokken.capacity.run import DEMANDS_FILE
from klokken.profile import profile_path

if TYPE_CHECKING:
    from pathlib import Path

# Which share of the schools begins when.
STARTS = {"07:50": 0.25, "08:00": 0.5, "08:10": 0.25}


def flat(folder: Path) -> Path:
    """Write demands of which none grows with the accounts of a cell."""
    written = yaml.safe_load(DEMANDS_FILE.read_text(encoding="utf-8"))
    for tiers in written["work"].values():
        for work in tiers.values():
            work.pop("each_account", None)
    return _written(folder / "flat.yaml", written)


def bells(folder: Path) -> Path:
    """Write the profile of Denmark's logins with schools that begin at different times."""
    written = yaml.safe_load(profile_path("denmark").read_text(encoding="utf-8"))
    ground = {"assumed": True, "why": "To see what it would be worth."}
    schools = [
        {"starts": starts, "share": {"value": share, **ground}} for starts, share in STARTS.items()
    ]
    written |= {
        "name": "denmark-bells",
        "bells": {"written_for": "08:00", "schools": schools},
    }
    return _written(folder / "denmark-bells.yaml", written)


def _written(path: Path, body: Any) -> Path:
    path.write_text(yaml.safe_dump(body, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return path
