"""Make the two archives that a load generator is installed from; runs on the controller.

    bundle.py SOURCE CACHE PYTHON MACHINE

`wheels-KEY.tar` holds every package of loadtests/requirements.lock as a wheel for a host with
Python PYTHON (such as 3.13) on a MACHINE (such as x86_64), fetched once and checked against the
lock's hashes. `code-KEY.tar` holds the folders `klokken` and `loadtests`. KEY is a hash of what
goes in, so that equal inputs give equal names. Prints both names as JSON.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from packaging.requirements import Requirement

CODE = ("klokken", "loadtests")
# Debian 13's C library is 2.41; a wheel for an older one runs there too.
GLIBC_MINORS = range(41, 4, -1)


def main(source: Path, cache: Path, python: str, machine: str) -> dict[str, str]:
    """Return the paths of both archives, each made if it is not there."""
    cache.mkdir(parents=True, exist_ok=True)
    lock = requirements((source / "loadtests/requirements.lock").read_text(), python, machine)
    key = hashlib.sha256(f"{python} {machine}\n{lock}".encode()).hexdigest()[:16]
    wheels = cache / f"wheels-{key}.tar"
    with (cache / ".wheels.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if not wheels.exists():
            fetch(lock, python, machine, wheels)
    members = {
        str(path.relative_to(source)): path.read_bytes()
        for folder in CODE
        for path in sorted((source / folder).rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    content = archive(members)
    code = cache / f"code-{hashlib.sha256(content).hexdigest()[:16]}.tar"
    if not code.exists():
        place(content, code)
    return {"wheels": str(wheels), "code": str(code)}


def requirements(lock: str, python: str, machine: str) -> str:
    """Return the lines of a lock file that hold on the host, without their conditions.

    pip fetches for another Python, but decides conditions for its own.
    """
    host = {
        "implementation_name": "cpython",
        "os_name": "posix",
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "platform_system": "Linux",
        "python_full_version": f"{python}.0",
        "python_version": python,
        "sys_platform": "linux",
    }
    chosen = []
    for line in re.sub(r"\\\n\s*", " ", lock).splitlines():
        wanted, *hashes = line.partition("#")[0].strip().split(" --hash=")
        if not wanted:
            continue
        requirement = Requirement(wanted)
        if requirement.marker is None or requirement.marker.evaluate(host):
            requirement.marker = None
            chosen.append(" --hash=".join([str(requirement), *(h.strip() for h in hashes)]))
    return "".join(f"{line}\n" for line in chosen)


def fetch(lock: str, python: str, machine: str, destination: Path) -> None:
    """Have pip fetch the wheels of `lock`, and put them and it into one archive."""
    tag = "cp" + python.replace(".", "")
    options = ["--require-hashes", "--no-deps", "--only-binary=:all:", "--implementation=cp"]
    options += [f"--python-version={python}", f"--abi={tag}", "--abi=abi3", "--abi=none"]
    options += [f"--platform=manylinux_2_{minor}_{machine}" for minor in GLIBC_MINORS]
    options += [f"--platform=manylinux2014_{machine}"]
    with tempfile.TemporaryDirectory(dir=destination.parent) as name:
        folder = Path(name)
        (folder / "requirements.txt").write_text(lock)
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "download"]
        done = subprocess.run(
            [*pip, "--quiet", *options, "--dest", name, "-r", f"{name}/requirements.txt"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.exit(done.stderr.strip() or "pip failed and said nothing")
        place(archive({p.name: p.read_bytes() for p in sorted(folder.iterdir())}), destination)


def archive(members: dict[str, bytes]) -> bytes:
    """Return a tar archive that depends on names and contents only."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            entry.mode = 0o644
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def place(content: bytes, destination: Path) -> None:
    """Write a file whole or not at all."""
    draft = destination.with_suffix(".part")
    draft.write_bytes(content)
    draft.replace(destination)


if __name__ == "__main__":
    source, cache, python, machine = sys.argv[1:]
    sys.stdout.write(json.dumps(main(Path(source), Path(cache), python, machine)) + "\n")
