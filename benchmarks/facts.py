"""What every written result has: its figures, and where and when it was measured."""

from __future__ import annotations

import os
import platform
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from klokken.audit.run import write
from klokken.document import Document
from klokken.paths import PROJECT
from klokken.results import MachineFacts

if TYPE_CHECKING:
    from collections.abc import Iterable

DOCUMENTS = PROJECT / "docs" / "benchmarks"


class Measured(Document):
    """A whole run of a benchmark, as it is kept beside the page."""

    schema_version: int = 1
    started: datetime
    finished: datetime
    machine: MachineFacts
    versions: dict[str, str]


def spread(values: Iterable[float], form: str = ".2f") -> str:
    """Return the median and, in brackets, the least and the greatest of `values`."""
    found = sorted(values)
    if not found:
        return "-"
    if len(found) == 1:
        return f"{found[0]:{form}}"
    return f"{median(found):{form}} ({found[0]:{form}} to {found[-1]:{form}})"


def facts(found: Measured) -> str:
    """Return the section on machine, date and versions."""
    machine = found.machine
    listed = "\n".join(f"- {name}: {version}" for name, version in sorted(found.versions.items()))
    memory = machine.memory_bytes / 2**30
    hardware = f"{machine.cores} cores ({machine.cpu_model}), {memory:.0f} GiB"
    return f"""\
## Machine, date and versions
{hardware}, kernel {machine.kernel}; {_when(found)}.

{listed}"""


def _when(found: Measured) -> str:
    """Return the day and how long it took, or the days where these are several."""
    if found.started.date() != found.finished.date():
        return f"{found.started:%d %B} to {found.finished:%d %B %Y}"
    minutes = (found.finished - found.started).total_seconds() / 60
    return f"{found.started:%d %B %Y}, {minutes:.0f} minutes"


def machine() -> MachineFacts:
    """Return what this machine is."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return MachineFacts(
        cpu_model=models[0] if models else platform.machine(),
        cores=os.cpu_count() or 1,
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        kernel=platform.release(),
    )


def publish(name: str, page: str, record: Measured) -> Path:
    """Write the page of a benchmark and all that was measured beside it; return the page's path."""
    path = DOCUMENTS / f"{name}.md"
    write(path.with_suffix(".json"), record.model_dump_json(indent=1) + "\n")
    write(path, page)
    return path
