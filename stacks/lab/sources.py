"""The package sources of the machine, for hosts of another Debian release."""

from __future__ import annotations

import platform

from klokken.errors import MachineError
from stacks.lab.shell import run

SUITE = "trixie"
# Four hosts at once may ask on a machine that is slow or busy.
TIMEOUT = 120


def machine_sources() -> dict[str, str]:
    """Return each Debian archive that the machine uses with the suites of it that a host needs.

    The first is the main archive, from which a base tree can be made.
    """
    release = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    form = ("--format", "$(REPO_URI) $(RELEASE)")
    listed = run("apt-get", "indextargets", *form, "Created-By: Packages", timeout=TIMEOUT)
    lines = [line.split() for line in dict.fromkeys(listed.splitlines())]
    archives = [uri for uri, suite in lines if suite == release]
    security = [uri for uri, suite in lines if suite == f"{release}-security"]
    if not archives:
        raise MachineError(
            "package sources: apt lists no Debian archive; add one, or run `apt-get update`"
        )
    sources = {archives[0]: f"{SUITE} {SUITE}-updates"}
    return sources | {uri: f"{SUITE}-security" for uri in security[:1] if uri not in sources}
