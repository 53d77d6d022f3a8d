"""What the role `drive` refuses, and what it tells each product."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from klokken.paths import PROJECT, cache_folder
from tests.roles.rendering import play, rendered

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(300)]
ROLE = PROJECT / "roles" / "drive"
OF_ALL = {"site_domain": "skole.test", "site_address": "198.18.0.51"}
MODULE = {"drive_source": "module"}
SUM = "0123456789abcdef" * 4
RELEASE = {"drive_source": "release", "drive_version": "8.2.0", "drive_sha256": SUM}
OPENCLOUD = {**RELEASE, "drive_product": "opencloud", "drive_version": "7.2.3"}
SERVICES = yaml.safe_load((ROLE / "vars/main.yml").read_text())
LATER = SERVICES["drive_later_services"]
OLD = SERVICES["drive_usual_services"]["ocis-2"]

ACCEPTED: dict[str, dict[str, Any]] = {
    "module": MODULE,
    "release": RELEASE,
    "of-2": {**RELEASE, "drive_version": "2.0.0"},
    "from-5": {**RELEASE, "drive_version": "5.0.9"},
    "file": {**RELEASE, "drive_source": "file", "drive_file": "/tmp/drive"},  # noqa: S108 - a name
    "opencloud": OPENCLOUD,
    "early-opencloud": {**OPENCLOUD, "drive_version": "1.0.0"},
    "versions-off": {**RELEASE, "drive_versions": False},
    "opencloud-versions-off": {**OPENCLOUD, "drive_versions": False},
    "own-setting": {**RELEASE, "drive_settings": {"OCIS_SPACES_MAX_QUOTA": "1"}},
    "opencloud-setting": {**OPENCLOUD, "drive_settings": {"OC_SPACES_MAX_QUOTA": "1"}},
    "without-sharing": {
        **RELEASE,
        "drive_services": [s for s in LATER if s not in ("sharing", "storage-shares")],
    },
    "asynchronous": {
        **RELEASE,
        "drive_services": [*LATER, "postprocessing"],
        "drive_settings": {"OCIS_ASYNC_UPLOADS": "true"},
    },
}
NO_SETTINGS = (
    "drive_version: the role has no settings for ocis {}; take 2.0.0, or a release from 5 on"
)
ASYNCHRONOUS = (
    "drive_services: uploads that end later need postprocessing; name it, or leave"
    " OC_ASYNC_UPLOADS out"
)
# The variables, and the one line about them.
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "module-of-opencloud": (
        {**MODULE, "drive_product": "opencloud"},
        "drive_source: a module is there of ocis 2.0.0 only; use release or file for another",
    ),
    "module-of-another-version": (
        {**MODULE, "drive_version": "8.2.0"},
        "drive_source: a module is there of ocis 2.0.0 only; use release or file for another",
    ),
    "no-version": (
        {**RELEASE, "drive_version": ""},
        "drive_version: missing; name the version that drive_source release gives",
    ),
    "version-1": (
        {**RELEASE, "drive_version": "1.20.0"},
        NO_SETTINGS.format("1.20.0"),
    ),
    "version-4": (
        {**RELEASE, "drive_version": "4.0.7"},
        NO_SETTINGS.format("4.0.7"),
    ),
    "version-of-words": (
        {**RELEASE, "drive_version": "latest"},
        NO_SETTINGS.format("latest"),
    ),
    "no-checksum": (
        {**RELEASE, "drive_sha256": ""},
        "drive_sha256: not 64 hexadecimal digits; give the checksum of the binary",
    ),
    "half-a-checksum": (
        {**RELEASE, "drive_sha256": SUM[:32]},
        "drive_sha256: not 64 hexadecimal digits; give the checksum of the binary",
    ),
    "no-file": (
        {**RELEASE, "drive_source": "file"},
        "drive_file: missing; name the binary on the controller",
    ),
    "module-versions-off": (
        {**MODULE, "drive_versions": False},
        "drive_versions: ocis before 7 keeps versions always; set true, or take a newer release",
    ),
    "old-release-versions-off": (
        {**RELEASE, "drive_version": "5.0.9", "drive_versions": False},
        "drive_versions: ocis before 7 keeps versions always; set true, or take a newer release",
    ),
    "posix-versions-off": (
        {**OPENCLOUD, "drive_versions": False, "drive_settings": {"STORAGE_USERS_DRIVER": "posix"}},
        "drive_versions: the driver posix keeps versions always; set true, or take decomposed",
    ),
    "second-login": (
        {**RELEASE, "drive_services": [*LATER, "idp"]},
        "drive_services: idp is a second login; Keycloak is the site's, leave it out",
    ),
    "directory-by-name": (
        {**RELEASE, "drive_services": [*LATER, "idm"]},
        "drive_services: idm follows from drive_directory; leave it out",
    ),
    "unknown-service": (
        {**RELEASE, "drive_services": [*LATER, "thumbnail"]},
        "drive_services: ocis 8.2.0 has no thumbnail; correct the name",
    ),
    "service-of-an-older-line": (
        {**OPENCLOUD, "drive_services": [*LATER, "store"]},
        "drive_services: opencloud 7.2.3 has no store; correct the name",
    ),
    "service-of-a-newer-line": (
        {**MODULE, "drive_services": [*OLD, "auth-service"]},
        "drive_services: ocis 2.0.0 has no auth-service; correct the name",
    ),
    "service-that-the-module-leaves-out": (
        {**MODULE, "drive_services": [*OLD, "web"]},
        "drive_services: ocis 2.0.0 has no web; correct the name",
    ),
    "no-service-accounts": (
        {**OPENCLOUD, "drive_services": [s for s in LATER if s != "auth-service"]},
        "drive_services: opencloud 7.2.3 needs auth-service; name it",
    ),
    "asynchronous-without-postprocessing": (
        {**OPENCLOUD, "drive_settings": {"OC_ASYNC_UPLOADS": "true"}},
        ASYNCHRONOUS,
    ),
    "sharing-without-storage": (
        {**RELEASE, "drive_services": [s for s in LATER if s != "storage-shares"]},
        "drive_services: sharing needs storage-shares and the other way round; name both",
    ),
    "storage-without-sharing": (
        {**RELEASE, "drive_services": [s for s in LATER if s != "sharing"]},
        "drive_services: sharing needs storage-shares and the other way round; name both",
    ),
    "setting-of-opencloud": (
        {**RELEASE, "drive_settings": {"OC_URL": "x"}},
        "drive_settings: a setting of the other product; ocis reads OCIS_...",
    ),
    "setting-of-ocis": (
        {**OPENCLOUD, "drive_settings": {"OCIS_URL": "x"}},
        "drive_settings: a setting of the other product; opencloud reads OC_...",
    ),
}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Return the lines with which each combination is refused; there are none where it is not."""
    cases = ACCEPTED | {name: variables for name, (variables, _) in REFUSED.items()}
    hosts = {name: {**OF_ALL, **variables} for name, variables in cases.items()}
    # All rules of a host at once: a task an item would take minutes.
    tell = {"ansible.builtin.debug": {"msg": rules()}}
    answers = play(tmp_path_factory.mktemp("drive"), {"drive": hosts}, "drive", tell)
    return {
        name: [rule["problem"] for rule in answer[-1]["msg"] if rule["holds"] is not True]
        for name, answer in answers.items()
    }


def rules() -> list[dict[str, str]]:
    """Return the rules of the role, each with what must hold and what is said otherwise."""
    (task,) = yaml.safe_load((ROLE / "tasks/refusals.yml").read_text())
    return list(task["loop"])


def test_a_rule_that_does_not_hold_ends_the_role(tmp_path: Path) -> None:
    hosts = {name: {**OF_ALL, **variables} for name, variables in
             {"good": MODULE, "bad": REFUSED["no-file"][0]}.items()}  # fmt: skip
    tasks = {"ansible.builtin.include_tasks": str(ROLE / "tasks/refusals.yml")}
    answers = play(tmp_path, {"drive": hosts}, "drive", tasks)
    assert not answers["good"][-1].get("failed")
    failed = [item["msg"] for item in answers["bad"][-1]["results"] if item.get("failed")]
    assert failed == [REFUSED["no-file"][1]]


@pytest.mark.parametrize("case", ACCEPTED)
def test_what_can_work_is_accepted(said: dict[str, list[str]], case: str) -> None:
    assert said[case] == []


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_work_is_refused_in_one_line(said: dict[str, list[str]], case: str) -> None:
    _, line = REFUSED[case]
    assert said[case] == [line]


def test_every_refusal_has_been_seen() -> None:
    problems = [re.sub(r"\{\{.*?\}\}", ".*", rule["problem"]) for rule in rules()]
    lines = [line for _, line in REFUSED.values()]
    assert [p for p in problems if not any(re.fullmatch(p, line) for line in lines)] == []


def test_the_module_has_the_services_that_the_role_says() -> None:
    code = (PROJECT / "tools/drive/services.go").read_text()
    built = re.findall(r'^\t"([a-z-]+)":', code, re.MULTILINE)
    assert SERVICES["drive_known_services"]["module"] == sorted(built)


def test_what_a_service_of_the_module_holds_is_not_told_when_it_ends_too_late() -> None:
    folder = PROJECT / "tools/drive"
    (least,) = re.findall(r"^go (\S+)$", (folder / "go.mod").read_text(), re.MULTILINE)
    environment = os.environ | {"cache": str(cache_folder()), "least_go": least}
    program = "set -eu; . ../go/env.sh; provide_go; go test named.go named_test.go"
    done = subprocess.run(
        ["bash", "-c", program], cwd=folder, env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("usual", "known"),
    [
        (OLD, SERVICES["drive_known_services"]["module"]),
        (OLD, SERVICES["drive_known_services"]["ocis-2"]),
        (LATER, SERVICES["drive_later_known_services"]),
    ],
)
def test_a_product_has_the_services_that_it_is_usually_told(
    usual: list[str], known: list[str]
) -> None:
    assert set(usual) <= set(known)


SETTINGS: dict[str, dict[str, Any]] = {
    "module": MODULE,
    "ocis": RELEASE,
    "opencloud": OPENCLOUD,
    "embedded": {**RELEASE, "drive_directory": "embedded"},
    "opencloud-embedded": {**OPENCLOUD, "drive_directory": "embedded"},
    "versions-off": {**OPENCLOUD, "drive_versions": False},
    "ocis-versions-off": {**RELEASE, "drive_versions": False},
    "few-services": {**RELEASE, "drive_services": ["nats", "proxy"]},
    "own": {**RELEASE, "drive_settings": {"B": 2, "A": "one", "OCIS_ASYNC_UPLOADS": "true"}},
}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """Return the settings that each combination gives to the drive."""
    hosts = {name: {**OF_ALL, **variables} for name, variables in SETTINGS.items()}
    folder = tmp_path_factory.mktemp("drive-env")
    texts = rendered(folder, {"drive": hosts}, "drive", "etc/drive/drive.env.j2")
    return {name: read(text) for name, text in texts.items()}


def read(text: str) -> dict[str, str]:
    """Return settings as systemd reads them: of two of one name, the later."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


Settings = dict[str, dict[str, str]]


@pytest.mark.parametrize(
    ("case", "prefix"), [("module", "OCIS"), ("ocis", "OCIS"), ("opencloud", "OC")]
)
def test_a_product_is_told_the_site_by_its_own_names(
    settings: Settings, case: str, prefix: str
) -> None:
    told = settings[case]
    assert told[f"{prefix}_URL"] == f"https://{case}.skole.test"
    assert told[f"{prefix}_OIDC_ISSUER"] == "https://login.skole.test/realms/skole"
    assert told[f"{prefix}_BASE_DATA_PATH"] == "/srv/data/drive/data"
    assert told["PROXY_HTTP_ADDR"] == "198.18.0.51:9200"
    other = {"OCIS": "OC_", "OC": "OCIS_"}[prefix]
    assert [name for name in told if name.startswith(other)] == []


@pytest.mark.parametrize(
    ("case", "services"),
    [
        ("module", OLD),
        ("ocis", LATER),
        ("opencloud", LATER),
        ("embedded", [*LATER, "idm"]),
        ("few-services", ["nats", "proxy"]),
    ],
)
def test_the_services_are_those_of_the_product_unless_others_are_named(
    settings: Settings, case: str, services: list[str]
) -> None:
    prefix = "OC" if case == "opencloud" else "OCIS"
    assert settings[case][f"{prefix}_RUN_SERVICES"].split(",") == services


def test_uploads_are_whole_when_they_are_acknowledged(settings: Settings) -> None:
    assert settings["ocis"]["OCIS_ASYNC_UPLOADS"] == "false"
    assert settings["opencloud"]["OC_ASYNC_UPLOADS"] == "false"
    # It knows no other way.
    assert "OCIS_ASYNC_UPLOADS" not in settings["module"]


@pytest.mark.parametrize(
    ("case", "prefix"), [("module", "OCIS"), ("ocis", "OCIS"), ("opencloud", "OC")]
)
def test_accounts_are_written_to_the_directory_beside_the_drive(
    settings: Settings, case: str, prefix: str
) -> None:
    told = settings[case]
    assert told[f"{prefix}_LDAP_URI"] == told["LDAP_URI"] == "ldap://127.0.0.1:389"
    assert told[f"{prefix}_LDAP_USER_BASE_DN"] == "ou=users,o=drive"
    assert told[f"{prefix}_LDAP_GROUP_BASE_DN"] == "ou=groups,o=drive"
    write = "OC_LDAP_SERVER_WRITE_ENABLED" if prefix == "OC" else "GRAPH_LDAP_SERVER_WRITE_ENABLED"
    assert told[write] == "true"


@pytest.mark.parametrize("case", ["embedded", "opencloud-embedded"])
def test_the_embedded_directory_is_found_without_being_told(settings: Settings, case: str) -> None:
    assert [name for name in settings[case] if "LDAP" in name] == []


def test_versions_are_kept_unless_they_are_not_wanted(settings: Settings) -> None:
    assert settings["versions-off"]["OC_DISABLE_VERSIONING"] == "true"
    assert settings["ocis-versions-off"]["OCIS_DISABLE_VERSIONING"] == "true"
    kept = [case for case in settings if not case.endswith("versions-off")]
    assert [c for c in kept if any("VERSIONING" in name for name in settings[c])] == []


def test_no_account_of_opencloud_is_an_administrator_by_its_name(settings: Settings) -> None:
    assert settings["opencloud"]["OC_ADMIN_USER_ID"] == ""


def test_a_sites_own_settings_have_the_last_word(settings: Settings) -> None:
    own = settings["own"]
    assert (own["A"], own["B"], own["OCIS_ASYNC_UPLOADS"]) == ("one", "2", "true")
