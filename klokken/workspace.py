"""The Pulumi workspace: its tools, its local state and the stacks in it."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from pathlib import Path

from klokken import acme, files
from klokken.errors import InputError, MachineError
from klokken.paths import PROJECT, cache_folder, config_folder, state_folder
from klokken.stackconfig import StackConfig, config_path

EXAMPLES = PROJECT / "stacks" / "examples"
DNS_KEY = "klokken:dns_key"


def environment() -> dict[str, str]:
    """Return the variables with which `pulumi`, typed by hand or started by us, finds its place.

    A backend or passphrase that the user has set already is kept.
    """
    own = {
        "PULUMI_HOME": str(cache_folder() / "pulumi"),
        "PULUMI_BACKEND_URL": f"file://{state_folder()}",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(passphrase_file()),
    }
    quiet = {
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_REGISTRY_RESOLVE": "true",
        # It would fetch the plugins of all clouds whose packages are here, for a lab as well.
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        # Without it, Pulumi has no option to keep a log of what happens.
        "PULUMI_DEBUG_COMMANDS": "true",
        # gRPC would warn of the fork with which Ansible is started; the fork is harmless.
        "GRPC_ENABLE_FORK_SUPPORT": "0",
        "GRPC_VERBOSITY": "NONE",
    }
    chosen = {name: os.environ.get(name) or value for name, value in own.items()}
    if "PULUMI_CONFIG_PASSPHRASE" in os.environ:
        del chosen["PULUMI_CONFIG_PASSPHRASE_FILE"]
    folders = [str(Path(sys.executable).parent), str(tools_folder())]
    path = os.environ.get("PATH", os.defpath).split(os.pathsep)
    chosen["PATH"] = os.pathsep.join(folders + [p for p in path if p not in folders])
    return chosen | quiet


def tools_folder() -> Path:
    """Return where `make setup` puts the Pulumi that it built, if it had to."""
    return cache_folder() / "tools" / "bin"


def passphrase_file() -> Path:
    """Return the file whose content encrypts the secrets of stacks."""
    return config_folder() / "passphrase"


def init(stack: str) -> list[str]:
    """Make what of the stack is missing: config, passphrase, state, secrets; say what was made."""
    path = config_path(stack)
    made = []
    if not path.exists():
        files.write(path, (EXAMPLES / "lab.yaml").read_text(encoding="utf-8"))
        made.append(f"{path.name}, from stacks/examples/lab.yaml")
    config = StackConfig.read(stack)
    if not passphrase_file().exists():
        _make_passphrase()
        made.append(f"{passphrase_file()}, which encrypts secrets: keep it safe")
    state_folder().mkdir(parents=True, exist_ok=True)
    pulumi("stack", "select", "--create", "--stack", stack)
    there = {} if config.secrets is None else _secrets(stack)
    # Every command imports this file, and only this function makes secrets.
    from klokken.secrets import make_secrets  # noqa: PLC0415 - cryptography takes its time

    # A later version may need one more; those that are there are kept.
    missing = {name: value for name, value in make_secrets().items() if name not in there}
    if missing:
        value = json.dumps({**there, **missing})
        pulumi("config", "set", "--secret", "secrets", "--stack", stack, stdin=value)
        made.append(f"new secrets, encrypted in {path.name}")
    return made


def _secrets(stack: str) -> dict[str, str]:
    """Return the secrets of a stack in clear."""
    return dict(json.loads(pulumi("config", "get", "secrets", "--stack", stack)))


def dns_key(stack: str) -> str:
    """Return the key that the site's name server knows, in clear."""
    return pulumi("config", "get", DNS_KEY, "--stack", stack).strip()


def pulumi(*arguments: str, stdin: str | None = None) -> str:
    """Run `pulumi` to its end and return what it prints; raise MachineError when it fails."""
    try:
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=PROJECT,
            env=os.environ | environment(),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise MachineError("pulumi: not on this machine; run `make setup`") from None
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["failed without a word"]
        raise MachineError(f"pulumi {' '.join(arguments[:2])}: {lines[-1]}")
    return done.stdout


def require_stack(stack: str) -> StackConfig:
    """Return the validated config of a stack that has its secrets, or raise InputError."""
    path, config = config_path(stack), StackConfig.read(stack)
    if config.secrets is None:
        raise InputError(path, "klokken:secrets", "missing", f"run `klokken init {stack}`")
    if config.dns_key is None and acme.name_server(config.site):
        mend = f"run `pulumi config set --secret {DNS_KEY} --stack {stack}`"
        raise InputError(path, DNS_KEY, "missing", mend)
    return config


def _make_passphrase() -> None:
    path = passphrase_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    # Half a passphrase would encrypt secrets as well as a whole one.
    draft = path.with_suffix(".part")
    draft.touch(mode=0o600)
    with files.named(path):
        draft.write_text(secrets.token_urlsafe(32) + "\n")
    draft.replace(path)
