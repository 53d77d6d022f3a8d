"""The whole way, on real hosts: up, checked, stormed, broken, healed, down.

The tests stand in the order in which a person would try these things; each leaves the lab up.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import yaml

from klokken import workspace, writes
from klokken.errors import Exit
from klokken.paths import PROJECT, RESULTS, cache_folder, state_folder
from klokken.stackconfig import config_path
from klokken.topology import Tier
from stacks.lab.container import wait_until
from tests.documents import commands
from tests.lab import machine
from tests.lab.laboratory import NETWORK, STACK, an_up_that_configures, changes, tiers_run
from tests.lab.stack import BRIEF_WARM_UP

if TYPE_CHECKING:
    from tests.lab.laboratory import Lab

pytestmark = pytest.mark.timeout(1800)
ALL_TIERS = {tier.value for tier in Tier}
# The busy part of the morning: most of those who come at all.
AROUND_THE_BELL = ("--from", "07:59:20", "--until", "08:00:40")
# Commands that leave the lab as it is, and take seconds.
QUICK = {"doctor", "new", "simulate", "waves"}
# Asks the login for what it says of itself, as the edge of the lab sees it.
OPENS_THE_REALM = """
import http.client, ssl
trusted = ssl.create_default_context(cafile="/etc/klokken/tls/ca.pem")
login = http.client.HTTPSConnection("login.skole.test", context=trusted)
login.request("GET", "/realms/skole/.well-known/openid-configuration")
print(login.getresponse().status)
"""
HOSTS = [*(f"{tier}1" for tier in sorted(ALL_TIERS)), "drive2"]


def all_well(lab: Lab) -> bool:
    """Check the hosts again until every service has come back; Keycloak takes its seconds."""
    return wait_until(lambda: lab.klokken("check", STACK).returncode == 0, 300)


def test_pulumi_up_alone_stands_up_and_configures(lab: Lab) -> None:
    assert tiers_run(lab.first_log) == ALL_TIERS


def test_a_second_up_does_nothing(lab: Lab) -> None:
    log = lab.up()
    assert tiers_run(log) == set()
    assert "unchanged" in log


def test_pulumi_typed_by_hand_finds_nothing_to_do_either(lab: Lab) -> None:
    log = lab.up_by_hand()
    assert tiers_run(log) == set()
    assert "unchanged" in log


def test_every_host_is_as_it_shall_be(lab: Lab) -> None:
    done = lab.klokken("check", STACK)
    assert done.returncode == 0


def test_going_over_every_host_again_changes_nothing(lab: Lab) -> None:
    lab.configure(revision=2)
    assert changes(lab.up()) == dict.fromkeys(ALL_TIERS, 0)


def test_what_the_readme_offers_next_can_be_done(lab: Lab) -> None:
    """Give its quick commands as they stand; the others are given below, to fewer pupils."""
    given = [words for words in commands(PROJECT / "README.md") if QUICK.intersection(words[1:2])]
    assert {words[1] for words in given} == QUICK
    for _, *words in given:
        done = lab.klokken(*[STACK if word == "lab" else word for word in words])
        for made in re.findall(r"^wrote (.+)$", done.stdout, re.MULTILINE):
            (PROJECT / made).unlink()
        # What is simulated may miss its service levels.
        assert done.returncode in {Exit.PASS, Exit.FAIL}, words


def ring(lab: Lab, *command: str) -> dict[str, Any]:
    """Run a command that leaves a run; return its results, its folder and its exit code."""
    before = set(RESULTS.glob("*"))
    code = lab.klokken(*command, "--stack", STACK).returncode
    (run,) = set(RESULTS.glob("*")) - before
    results: dict[str, Any] = json.loads((run / "results.json").read_text())
    return results | {"folder": run, "exit": code}


@pytest.fixture(scope="session")
def storm(lab: Lab) -> dict[str, Any]:
    """Ring five logins a second for a minute; return the results.

    Half of what the machine must reach, which docs/benchmarks/morning.md shows: a test must not
    depend on who else uses the machine.
    """
    return ring(lab, "storm", "minute", "--fraction", "0.5")


def test_logins_for_a_minute_all_succeed(storm: dict[str, Any]) -> None:
    assert storm["offered"] == storm["started_journeys"] == storm["completed"] == 300
    assert storm["failed"] == storm["abandoned"] == storm["dropped"] == 0


def test_the_cpu_of_every_tier_was_measured(storm: dict[str, Any]) -> None:
    assert set(storm["tiers"]) == ALL_TIERS
    assert "keycloak" in storm["tiers"]["identity"]["groups"]


def test_the_record_keeps_to_its_schema(storm: dict[str, Any]) -> None:
    schema = json.loads((PROJECT / "klokken/results.schema.json").read_text())
    jsonschema.validate(json.loads((storm["folder"] / "results.json").read_text()), schema)


def test_a_storm_leaves_a_report(storm: dict[str, Any]) -> None:
    assert "<html" in (storm["folder"] / "report.html").read_text()


def test_first_logins_do_not_rehash_passwords(lab: Lab, storm: dict[str, Any]) -> None:
    assert storm["completed"] > 0
    query = (
        "select count(distinct secret_data) from credential join user_entity "
        "on user_entity.id = user_id where username ~ 'elev'"
    )
    psql = f'psql -qtA keycloak -c "{query}"'
    # All pupils were given one hash; a rehash would have made another.
    assert int(lab.ssh("database1", f"su postgres -c {shlex.quote(psql)}")) == 1


def test_a_hundred_people_come_to_the_drive_for_the_first_time(lab: Lab) -> None:
    morning = ring(lab, "storm", "morning", "--fraction", "0.5", *AROUND_THE_BELL)
    assert morning["failed"] == morning["abandoned"] == morning["dropped"] == 0
    assert morning["classes"]["first_drives"]["ok"] == morning["offered"] > 100


@pytest.fixture(scope="session")
def seeded(lab: Lab) -> str:
    """Seed two classes; return the share of the pupils that they are."""
    share = "0.14"
    for profile in ("morning", "spelling"):
        assert lab.klokken("seed", profile, "--fraction", share, "--stack", STACK).returncode == 0
    return share


def test_a_morning_is_spent_with_the_drives(lab: Lab, seeded: str) -> None:
    morning = ring(lab, "storm", "morning", "--fraction", seeded, *AROUND_THE_BELL)
    assert morning["failed"] == morning["abandoned"] == morning["dropped"] == 0
    assert morning["classes"]["open"]["ok"] == morning["offered"] > 20
    assert "first_drives" not in morning["classes"]


# What a lab recovers from in seconds. A host that is powered off takes `up` to come back, and a
# killed Keycloak so many seconds that who else uses the machine would decide the test.
FAULTS = [
    "kill-drive@60",
    "kill-metrics@80",
    "kill-directory@86",
    "cut@96+8",
    "loss@116+6",
    "delay@131+6",
    "full-drive@146+6",
    "freeze-database@165+6",
    "kill-database@185",
    "kill-edge@210",
]


@pytest.fixture(scope="session")
def exam(lab: Lab, seeded: str) -> dict[str, Any]:
    """Sit an exam of less than five minutes while one thing after the other breaks."""
    faults = [part for fault in FAULTS for part in ("--fault", fault)]
    return ring(lab, "exam", "spelling", "--fraction", seeded, "--compress", "15", *faults)


def test_an_exam_is_sat_and_broken_and_nothing_is_lost(exam: dict[str, Any]) -> None:
    audit = json.loads((exam["folder"] / "audit.json").read_text())
    told = json.loads((exam["folder"] / "faults.json").read_text())
    # A machine that others use too may make the generator late; that loses no hand-in.
    assert exam["exit"] == (Exit.INVALID if exam["invalid_because"] else Exit.PASS)
    late = re.compile("generator (was|woke pupils) late")
    assert all(late.search(why) for why in exam["invalid_because"])
    assert audit["lost"] == []
    assert audit["present"] == audit["acknowledged"] == 2 * exam["offered"]
    assert audit["handed_in"] == exam["offered"]
    assert [fault["kind"] for fault in told["faults"]] == [f.partition("@")[0] for f in FAULTS]
    assert all(fault["back_after"] is not None for fault in told["faults"])
    met = [fault for fault in told["faults"] if fault["logins_watched"]]
    assert [fault["kind"] for fault in met] == ["freeze-database", "kill-database", "kill-edge"]
    assert all(fault["logins_back_after"] is not None for fault in met)
    logins = (exam["folder"] / "logins.jsonl").read_text().splitlines()
    assert [json.loads(one)["cause"] for one in logins].count("") > 10


def test_an_audit_finds_a_single_changed_document(lab: Lab, exam: dict[str, Any]) -> None:
    """Change one byte of a hand-in on the disk, as a broken one would, and audit again."""
    run = exam["folder"]
    handin = next(w for w in writes.read(run / writes.NAME) if w.kind == "handin" and w.etag)
    blobs = "find /srv/data/drive/data/storage/users -path '*/blobs/*' -type f -mmin -30"
    sums = lab.ssh(f"drive{handin.cell}", f"{blobs} -exec sha256sum {{}} +").splitlines()
    (blob,) = [line.split()[1] for line in sums if line.startswith(handin.sha256)]
    change = f"printf X | dd of={blob} bs=1 seek=100 conv=notrunc status=none"
    lab.ssh(f"drive{handin.cell}", change)
    done = lab.klokken("audit", run.name, "--stack", STACK)
    assert done.returncode == Exit.FAIL
    assert f"LOST {handin.username} {handin.path}" in done.stdout


# What of the cache was fetched or built before there is a stack, and is large.
BEFORE_ANY_SECRET = ("go", "images", "python", "tools", "uv")


def all_secrets() -> dict[str, list[str]]:
    """Return the secrets of the stack by name: of each the lines that give it away."""
    secrets = json.loads(workspace.pulumi("config", "get", "secrets", "--stack", STACK))
    del secrets["ca_certificate"]
    return {
        name: [line for line in value.splitlines() if len(line) > 15 and "-----" not in line]
        for name, value in secrets.items()
    }


def test_no_secret_is_found_where_none_belongs(
    lab: Lab, storm: dict[str, Any], exam: dict[str, Any]
) -> None:
    needles = [line for lines in all_secrets().values() for line in lines]
    assert needles
    places = {"a command line": "\n".join(lab.watch.lines), "the log of up": lab.first_log}
    places["the stack's config"] = (PROJECT / f"Pulumi.{STACK}.yaml").read_text()
    for host in HOSTS:
        places[f"journal of {host}"] = lab.ssh(host, "journalctl --no-pager -o cat")
    assert [place for place, text in places.items() if any(n in text for n in needles)] == []
    runs = (storm["folder"], exam["folder"])
    for folder in (state_folder(), *runs, Path("/var/lib/klokken", STACK, "ssh")):
        assert machine.holding(folder, needles) == []
    assert machine.holding(cache_folder(), needles, without=BEFORE_ANY_SECRET) == []


@pytest.mark.parametrize("program", ["ansible-playbook", "loadtests.seeding"])
def test_what_ran_during_up_and_seeding_was_looked_at(
    lab: Lab, exam: dict[str, Any], program: str
) -> None:
    assert exam["offered"] > 0
    assert any(program in line for line in lab.watch.lines)


@pytest.mark.parametrize("host", HOSTS)
def test_no_secret_is_in_a_log_of_a_host(lab: Lab, storm: dict[str, Any], host: str) -> None:
    assert storm["completed"] > 0
    needles = [line for lines in all_secrets().values() for line in lines]
    # Grep says 1 when it finds nothing; whatever else went wrong fails the test.
    command = "grep -rlF -f - /var/log || [ $? = 1 ]"
    assert lab.ssh(host, command, "\n".join(needles)) == ""


# Where on the platform a secret has to be: whoever finds none there has not looked.
HOLDERS: dict[str, set[str]] = {
    "database1": set(),
    "drive1": {"directory"},
    "drive2": {"directory"},
    "edge1": set(),
    "identity1": {"admin", "database", "warmup"},
    "loadgen1": {"pupils"},
    "metrics1": set(),
}


@pytest.mark.parametrize("host", HOLDERS)
def test_secrets_on_a_host_are_files_for_their_owner_alone(lab: Lab, host: str) -> None:
    secrets = all_secrets()
    # Whoever asks the edge for a challenge of ACME is told it.
    del secrets["acme_thumbprint"]
    held = set()
    for name, lines in secrets.items():
        command = (
            "grep -rlsF -f - /etc /opt /srv /var/lib /run"
            " | xargs -r -d '\\n' stat -c '%a %n' || true"
        )
        files = lab.ssh(host, command, "\n".join(lines)).splitlines()
        held |= {name} if files else set()
        assert [file for file in files if file.split()[0] not in {"600", "400"}] == [], name
    # PostgreSQL's own files have the hash of the pupils' password.
    assert held - {"pupils_hash", "pupils_salt"} == HOLDERS[host]


def test_a_stack_that_does_not_allow_storms_is_not_stormed(lab: Lab) -> None:
    lab.configure(storms=False)
    lab.up()
    done = lab.klokken("storm", "minute", "--stack", STACK)
    assert done.returncode == Exit.BAD_INPUT
    assert "storms" in done.stdout
    lab.configure(storms=True)
    lab.up()


def test_a_node_that_died_is_warm_again_and_serves_before_where_it_is_the_only_one(
    lab: Lab,
) -> None:
    def warm() -> bool:
        return bool(lab.ssh("identity1", "ss -Hltn sport = :9010").strip())

    def serves() -> bool:
        return lab.ssh("edge1", "python3 -", stdin=OPENS_THE_REALM).strip() == "200"

    def warmed() -> int:
        journal = lab.ssh("identity1", "journalctl -u keycloak-warmup --no-pager -o cat")
        return journal.count("logins=")

    before = warmed()
    lab.ssh("identity1", "pkill -KILL -x java")
    assert wait_until(lambda: not warm(), 15)
    assert wait_until(serves, 120)
    assert not warm()
    assert wait_until(warm, 400)
    assert warmed() == before + 1


def test_a_variable_of_one_tier_configures_that_tier_alone(lab: Lab) -> None:
    lab.set_variables("edge", edge_identity_maxconn=7)
    assert tiers_run(lab.up()) == {"edge"}
    assert "maxconn 7" in lab.ssh("edge1", "cat /etc/haproxy/haproxy.cfg")
    lab.set_variables("edge")
    assert tiers_run(lab.up_by_hand()) == {"edge"}


def test_a_warm_up_may_be_brief(lab: Lab) -> None:
    """It stays so: what follows starts Keycloak often."""
    lab.set_variables("identity", **BRIEF_WARM_UP)
    assert tiers_run(lab.up()) == {"identity"}
    logins = BRIEF_WARM_UP["identity_warmup_logins"]
    assert f"--logins {logins} " in lab.ssh("identity1", "systemctl cat keycloak-warmup")


def test_a_volume_keeps_its_size_and_what_is_in_it(lab: Lab) -> None:
    instance = lab.record("drive1", "host.json")["instance"]
    site = yaml.safe_load(config_path(STACK).read_text())["config"]["klokken:site"]
    before = site["tiers"]["drive"]["volume_gb"]
    site["tiers"]["drive"]["volume_gb"] = before + 1
    lab.configure(site=site)
    done = lab.klokken("up", STACK)
    assert done.returncode == Exit.MACHINE
    assert f": volume_gb is {before + 1}, and its volume has {before} GB" in done.stdout
    site["tiers"]["drive"]["volume_gb"] = before
    lab.configure(site=site)
    assert tiers_run(lab.up()) == set()
    assert lab.record("drive1", "host.json")["instance"] == instance


def started(lab: Lab, host: str, unit: str) -> int:
    """Return when a service was started last, by the clock of its machine since boot."""
    show = f"systemctl show --property=ActiveEnterTimestampMonotonic --value {unit}"
    return int(lab.ssh(host, show))


def test_a_failed_task_shows_itself_the_host_and_the_journal(lab: Lab) -> None:
    lab.set_variables("database", database_shared_buffers="900TB")
    done = lab.klokken("up", STACK)
    assert done.returncode == Exit.MACHINE
    assert "database1: database: " in done.stdout
    assert "last journal lines on database1" in done.stdout
    assert "Traceback" not in done.stdout
    lab.set_variables("database")
    before = started(lab, "database1", "postgresql@17-main")
    # Nothing differs from what did well before: but that run came to no end.
    assert tiers_run(lab.up_by_hand()) == {"database"}
    assert started(lab, "database1", "postgresql@17-main") > before
    assert tiers_run(lab.up()) == set()


def test_a_killed_host_is_healed_with_its_data(lab: Lab) -> None:
    instance = lab.record("database1", "host.json")["instance"]
    os.kill(lab.record("database1", "process.json")["pid"], signal.SIGKILL)
    log = lab.up()
    assert tiers_run(log) == set()
    assert lab.record("database1", "host.json")["instance"] == instance
    assert all_well(lab)


def test_a_restart_of_the_machine_is_healed(lab: Lab) -> None:
    """Take away all that a restart takes: processes, mounts, bridge, routes and rules."""
    for host in HOSTS:
        os.kill(lab.record(host, "process.json")["pid"], signal.SIGKILL)
    assert wait_until(lambda: not machine.state(STACK)["containers"], 60)
    for host in HOSTS:
        root = f"/var/lib/klokken/{STACK}/hosts/{host}/root"
        subprocess.run(["umount", "--lazy", root], check=True)
    subprocess.run(["ip", "link", "delete", f"kl-{STACK}"], check=True)
    subprocess.run(["ip", "route", "delete", "unreachable", NETWORK], check=True)
    subprocess.run(["nft", "delete", "table", "inet", f"klokken_{STACK}"], check=True)
    assert tiers_run(lab.up()) == set()
    assert all_well(lab)


def test_ctrl_c_leaves_no_ansible_behind_and_up_goes_on_from_there(lab: Lab) -> None:
    before = yaml.safe_load(config_path(STACK).read_text())["config"].get("klokken:revision", 1)
    lab.configure(revision=before + 1)
    with an_up_that_configures() as process:
        process.send_signal(signal.SIGINT)
    assert process.returncode == Exit.MACHINE
    assert machine.state(STACK)["playbooks"] == []
    # What was begun with is gone over, though nothing differs any more.
    lab.configure(revision=before)
    begun = tiers_run(lab.up())
    assert begun
    assert begun <= {Tier.DATABASE, Tier.IDENTITY}
    assert tiers_run(lab.up()) == set()
    assert all_well(lab)
