"""A lab host: a real Debian system under systemd-nspawn, an overlay of the base tree."""

from __future__ import annotations

import json
import socket
import uuid

from klokken.document import Document
from klokken.errors import MachineError
from stacks.lab.cgroup import Cgroup
from stacks.lab.container import Container, wait_until
from stacks.lab.folder import LabFolder
from stacks.lab.image import image_path
from stacks.lab.mounts import delete
from stacks.lab.network import bridge_name
from stacks.lab.shell import run
from stacks.lab.tree import furnish
from stacks.lab.volume import Volume

BOOT_TIMEOUT = 120
START_ATTEMPTS = 3
SETTLE = 1.5
# Where a host finds its data volume.
DATA = "/srv/data"


class HostSpec(Document):
    """What a lab host shall be.

    `weight` is its share of a scarce CPU, ordinarily 1; `volume_gb` the size of its data volume
    in units of 10^9 bytes, 0 for none.
    """

    stack: str
    name: str
    address: str
    network: str
    image: str
    weight: int = 1
    volume_gb: int = 0


class LabHost:
    """One host: made, booted and removed."""

    def __init__(self, spec: HostSpec) -> None:
        """Name the host; nothing is made."""
        self.spec = spec
        self.lab = LabFolder(spec.stack)
        self.folder = self.lab.hosts / spec.name
        self.cgroup = Cgroup(spec.stack, spec.name)
        self.machine = f"{spec.stack}-{spec.name}"
        self.volume = Volume(self.folder, spec.volume_gb)
        binds = {self.volume.place: DATA} if spec.volume_gb else {}
        bridge = bridge_name(spec.stack)
        self.container = Container(self.folder, self.cgroup, self.machine, bridge, binds)
        self._record = self.folder / "host.json"

    def ensure(self) -> str:
        """Make the host if it is not there, boot it if it is down; return its instance id.

        The id is that of the host's data: a host booted again keeps it, a new one gets its own.
        """
        with self.lab.lock(self.spec.name):
            instance = self.instance()
            self.volume.require_size()
            if not self.container.running():
                self.container.clear()
                self._mount()
                instance = instance or self._furnish()
                self.container.start()
                self._insist()
            self.cgroup.weigh(self.spec.weight)
        self.lab.collect_known_hosts()
        if not wait_until(self._answers, BOOT_TIMEOUT):
            raise MachineError(
                f"{self.spec.name}: not up after {BOOT_TIMEOUT} s ({self.container.last_words()})"
            )
        return str(instance)

    def _insist(self) -> None:
        """Start again a container that ends at once.

        The kernel takes the interface of one that ended just before away in its own time, and
        until then the next one of the same name cannot have it.
        """
        for _ in range(START_ATTEMPTS - 1):
            if not wait_until(lambda: not self.container.supervised(), SETTLE):
                return
            self.container.clear()
            self._mount()
            self.container.start()

    def running(self) -> bool:
        """Say whether the host is up."""
        return self.container.running()

    def instance(self) -> str | None:
        """Return the id of the data that is there, or None where there is none or half."""
        try:
            return str(json.loads(self._record.read_text())["instance"])
        except (OSError, ValueError):
            return None

    def remove(self) -> None:
        """Power the host off and delete its data."""
        with self.lab.lock(self.spec.name):
            self.container.stop()
            delete(self.folder)
        (self.lab.path / f".{self.spec.name}.lock").unlink(missing_ok=True)

    def _mount(self) -> None:
        for name in ("upper", "work", "root"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        lower = image_path(self.spec.image)
        options = f"lowerdir={lower},upperdir={self.folder}/upper,workdir={self.folder}/work"
        root = str(self.container.root)
        run("mount", "-t", "overlay", self.machine, "-o", options, root)
        self.volume.mount()

    def _furnish(self) -> str:
        """Give a new host its name, address and keys; write the record last, as the seal."""
        root = self.container.root
        furnish(root, self.spec, self.lab)
        host_key = (root / "etc/ssh/ssh_host_ed25519_key.pub").read_text().split()[:2]
        line = " ".join([f"{self.spec.name},{self.spec.address}", *host_key])
        (self.folder / "known_host").write_text(line + "\n")
        instance = uuid.uuid4().hex
        self._record.write_text(json.dumps({"instance": instance, **self.spec.model_dump()}))
        return instance

    def _answers(self) -> bool:
        """Say whether the host's SSH answers; raise when the host is down instead."""
        if not self.container.supervised():
            raise MachineError(
                f"{self.spec.name}: ended while booting ({self.container.last_words()})"
            )
        try:
            with socket.create_connection((self.spec.address, 22), timeout=1) as connection:
                connection.settimeout(2)
                greeting: bytes = connection.recv(4)
        except OSError:
            return False
        return greeting == b"SSH-"
