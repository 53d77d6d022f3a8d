"""What the real drive does with what it should not be given: a status, a line, and it works on."""

from __future__ import annotations

import hashlib
import json
import secrets
import ssl
import time
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from functools import partial
from http.client import RemoteDisconnected
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from klokken.errors import Exit
from klokken.workspace import tools_folder
from loadtests import drive
from loadtests.morning import CLASS_FOLDER
from loadtests.requests import Request
from loadtests.steps import Unanswered, Unexpected
from loadtests.transport import Transport, tls_context
from stacks.lab.container import wait_until
from tests.lab import realm
from tests.lab.drive_client import Pupil, School
from tests.lab.expired import expired
from tests.lab.laboratory import STACK

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.lab.laboratory import Lab

pytestmark = pytest.mark.timeout(900)

MEGABYTE = 2**20
NAMES = {
    "space": "en to.txt",
    "space around": " a ",
    "Danish letters": "blåbærgrød.txt",
    "letter and accent apart": "cafe\u0301",
    "letter with its accent": "caf\u00e9",
    "emoji": "\U0001f514.txt",
    "from right to left": "\u202e\u05d0",
    "per cent": "100%",
    "what looks quoted": "%41%2f%2e%2e",
    "hash": "#1",
    "question mark": "why?a=b",
    "ampersand": "a&b;&amp;",
    "plus": "a+b",
    "single quote": "it's",
    "double quote": '"a"',
    "angle brackets": "<a b='c'>",
    "colon": "C:a",
    "semicolon": ";a=b",
    "backslash": "..\\a",
    "brackets, star, pipe": "[a]{b}(c)*|",
    "the rest of ASCII": "!$,=@^`~_-",
    "leading dot": ".a",
    "three dots": "...",
    "trailing dot": "a.",
    "a device of another system": "con",
    "255 bytes": "x" * 255,
    "255 bytes in 128 letters": "x" + "æ" * 127,
}
NO_NAMES = {
    "dot": (b".", 409),
    "slash": (b"a/b", 409),
    "256 bytes": (b"x" * 256, 400),
    "256 bytes in 128 letters": ("æ" * 128, 400),
    "NUL": (b"\0", 400),
    "line feed": (b"a\nb", 400),
    "escape": (b"\x1b[2J", 400),
    "delete": (b"\x7f", 400),
    "bytes that are no UTF-8": (b"\xff\xfe", 400),
    "half of a letter": (b"a\xc3", 500),
}
UP = ["..", "%2e%2e", ".%2E", "%252e%252e", "..%2f..", "..\\..", "..%5c..", "..;", "..%00"]
UP += ["%c0%ae%c0%ae", "%uff0e%uff0e", "/.."]


@pytest.fixture(scope="module")
def school(lab: Lab) -> School:
    assert lab
    return School(STACK)


@pytest.fixture(scope="module")
def folder(school: School) -> Iterator[str]:
    """A folder of a pupil's own, in the root of its space."""
    at_home = school.pupil("elev0006498")
    made = at_home.at(f"test {secrets.token_hex(4)}")
    assert at_home.send("MKCOL", made).status == 201
    yield made
    at_the_end = school.pupil("elev0006498")
    for leftover in (made, at_home.root.replace("spaces/", "spaces/trash-bin/")):
        at_the_end.send("DELETE", leftover)


@pytest.fixture
def pupil(school: School, folder: str) -> Pupil:
    """A pupil in that folder, just signed in: a token does not hold for all of these tests."""
    return replace(school.pupil("elev0006498"), root=folder)


@pytest.fixture(scope="module")
def other(school: School) -> Iterator[Pupil]:
    """Another pupil, whose space holds a document that is nobody else's business."""
    another = school.pupil("elev0006499")
    assert another.send("PUT", another.at("mine"), b"mine alone").status in (201, 204)
    yield another
    another = school.pupil("elev0006499")
    assert another.send("GET", another.at("mine")).body == b"mine alone"
    assert another.names() == {"mine"}


def works(pupil: Pupil) -> bool:
    """Return whether a document is stored and read back."""
    content = secrets.token_bytes(100)
    stored = pupil.send("PUT", pupil.at("works"), content).status in (201, 204)
    return stored and pupil.send("GET", pupil.at("works")).body == content


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_a_name_is_kept_byte_for_byte(pupil: Pupil, name: str) -> None:
    assert pupil.send("PUT", pupil.at(name), name.encode()).status == 201
    assert pupil.send("GET", pupil.at(name)).body == name.encode()
    assert name in pupil.names()


@pytest.mark.parametrize(("name", "status"), NO_NAMES.values(), ids=NO_NAMES.keys())
def test_what_is_no_name_is_refused_and_nothing_is_stored(
    pupil: Pupil, name: str | bytes, status: int
) -> None:
    before = pupil.names()
    assert pupil.send("PUT", pupil.at(name), b"x").status == status
    assert pupil.names() == before


def test_a_document_is_not_moved_to_what_is_no_name(pupil: Pupil) -> None:
    assert works(pupil)
    before = pupil.names()
    target = pupil.school.origin(pupil.school.cell) + pupil.at("a\x01")
    moved = pupil.ask(Request("", "MOVE", pupil.at("works"), (("Destination", target),)))
    assert moved.status == 400
    assert pupil.names() == before


def test_a_document_that_was_changed_meanwhile_is_not_written_over(pupil: Pupil) -> None:
    target = pupil.at("changed meanwhile")
    first = pupil.ask(drive.put("", target, b"the first text", ""))
    assert pupil.ask(drive.put("", target, b"the second text", first.etag)).status == 204
    stale = pupil.ask(drive.put("", target, b"the third text", first.etag))
    assert stale.status == 409
    with pytest.raises(Unexpected, match=f"^{drive.CONFLICT}$"):
        drive.stored(stale)
    assert pupil.send("GET", target).body == b"the second text"


def test_a_paper_of_40_megabytes_is_fetched_whole_by_the_journeys_own_request(
    school: School, pupil: Pupil, tmp_path: Path
) -> None:
    target, content = pupil.at("40 MB.pdf"), secrets.token_bytes(40 * MEGABYTE)
    assert pupil.ask(drive.put("", target, content, "")).status == 201
    (tmp_path / "ca.pem").write_text(school.secrets["ca_certificate"])
    origin = school.origin(school.cell)
    asked = drive.get(origin, target, bulk=True)
    bearer = ("Authorization", f"Bearer {pupil.token}")
    storm = Transport({origin: school.target(origin)}, tls_context(tmp_path / "ca.pem"))
    with closing(storm.connection()) as connection:
        whole = connection.send(replace(asked, headers=(*asked.headers, bearer)))
    drive.length(whole, expected=len(content))
    assert pupil.send("GET", target).body == content


def test_an_upload_that_breaks_off_changes_nothing_where_it_bears_its_checksum(
    pupil: Pupil,
) -> None:
    target = pupil.at("broken off")
    pupil.send("PUT", target, b"the first text")
    whole = drive.put("", target, secrets.token_hex(50_000).encode(), "")
    bearing = tuple(pair for pair in whole.headers if pair[0] == "OC-Checksum")
    assert bearing
    pupil.break_off(replace(whole, headers=bearing), after=40_000)
    # The drive needs a moment for what it makes of the end.
    time.sleep(3)
    assert pupil.send("GET", target).body == b"the first text"


@pytest.mark.parametrize("up", UP)
def test_no_way_up_leads_out_of_a_pupils_space(pupil: Pupil, other: Pupil, up: str) -> None:
    space = other.root.removeprefix("/dav/spaces/")
    places = [
        f"{up}/{space}/mine",
        f"{up}/{up}/{space}/mine",
        f"{up}/{up}/{up}/spaces/{space}/mine",
    ]
    places += ["/".join([up] * 12) + "/etc/passwd"]
    for target in [f"{pupil.root}/{place}" for place in places]:
        for method in ("GET", "PUT", "PROPFIND", "DELETE"):
            assert 400 <= pupil.send(method, target).status < 500, (method, target)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "MKCOL", "PROPFIND"])
def test_another_pupils_space_is_not_found(pupil: Pupil, other: Pupil, method: str) -> None:
    assert pupil.send(method, other.at("mine"), b"not mine" * (method == "PUT")).status == 404


@pytest.mark.parametrize("method", ["MOVE", "COPY"])
def test_nothing_is_put_into_another_pupils_space(pupil: Pupil, other: Pupil, method: str) -> None:
    assert works(pupil)
    target = pupil.school.origin(pupil.school.cell) + other.at("theirs")
    request = Request("", method, pupil.at("works"), (("Destination", target),))
    assert pupil.ask(request).status == 409


MOUNTED = "/graph/v1.0/me/drives?%24filter=driveType%20eq%20%27mountpoint%27"


def class_folder(pupil: Pupil) -> Pupil:
    """Return the pupil in the folder that the teacher of the class shares with it."""
    drives = json.loads(pupil.ask(Request("", "GET", MOUNTED)).body)["value"]
    (shared,) = [one["root"]["webDavUrl"] for one in drives if one["name"] == CLASS_FOLDER]
    return replace(pupil, root=urlsplit(shared).path)


def test_a_pupil_reads_what_the_teacher_shares_with_the_class_and_changes_nothing(
    lab: Lab,
) -> None:
    """The first two classes are at the first cell, and are there already where others ran."""
    assert lab.klokken("seed", "morning", "--fraction", "0.14", "--stack", STACK).returncode == 0
    school = School(STACK, cell=0)
    teacher, name = school.pupil("laerer000001"), "elev0000001.txt"
    own = replace(teacher, root=teacher.at(CLASS_FOLDER))
    content, names = own.send("GET", own.at(name)).body, own.names()
    assert len(content) == 20_000
    pupil = class_folder(school.pupil("elev0000002"))
    assert pupil.send("GET", pupil.at(name)).body == content
    assert pupil.send("PUT", pupil.at(name), b"mine now").status == 403
    assert pupil.send("PUT", pupil.at("new.txt"), b"mine, too").status == 403
    assert pupil.send("DELETE", pupil.at(name)).status == 403
    assert own.send("GET", own.at(name)).body == content
    assert own.names() == names


@contextmanager
def short_of_space(lab: Lab, cell: str, left: int) -> Iterator[None]:
    """Fill a cell's volume until so many bytes are left to the drive."""
    filler = "/srv/data/.klokken-test-full"
    free = "$(df --output=avail -B1 /srv/data | tail -n 1)"
    try:
        lab.ssh(cell, f"fallocate -l $(({free} - {left})) {filler}")
        yield
    finally:
        lab.ssh(cell, f"rm -f {filler}")


def test_a_paper_larger_than_the_volume_is_refused_and_the_cell_works_on(
    lab: Lab, pupil: Pupil
) -> None:
    paper, cell = bytes(32 * MEGABYTE), pupil.school.cell
    large = "find /srv/data/drive -type f -size +8M"
    before = lab.ssh(cell, large)
    with short_of_space(lab, cell, 16 * MEGABYTE):
        assert pupil.send("PUT", pupil.at("paper.pdf"), paper).status == 507
        assert "paper.pdf" not in pupil.names()
        assert lab.ssh(cell, large) == before
        assert works(pupil)
    assert pupil.send("PUT", pupil.at("paper.pdf"), paper).status == 201


@pytest.fixture
def new_pupil(lab: Lab) -> Iterator[dict[str, Any]]:
    """An account with an email, as Keycloak describes it, with its password beside."""
    password = secrets.token_urlsafe(16)
    credentials = [{"type": "password", "value": password, "temporary": False}]
    who = {"username": "uden-post", "firstName": "Uden", "lastName": "Post", "enabled": True}
    realm.ask(lab, "POST", "/users", who | {"email": "a@skole.test", "credentials": credentials})
    (made,) = realm.ask(lab, "GET", "/users?username=uden-post&exact=true")
    yield {**who, "id": made["id"], "password": password}
    realm.ask(lab, "DELETE", f"/users/{made['id']}")


def take_email(lab: Lab, who: dict[str, Any]) -> None:
    """Leave an account without its email."""
    account = {key: value for key, value in who.items() if key != "password"}
    realm.ask(lab, "PUT", f"/users/{who['id']}", account | {"email": ""})


def test_a_pupil_without_email_is_asked_for_it_and_gets_no_token(
    lab: Lab, school: School, new_pupil: dict[str, Any]
) -> None:
    take_email(lab, new_pupil)
    with pytest.raises(Unexpected, match="redirected elsewhere"):
        school.tokens(new_pupil["username"], password=new_pupil["password"])


def test_a_pupil_whose_email_is_gone_after_the_login_gets_no_drive_and_the_cell_works_on(
    lab: Lab, school: School, pupil: Pupil, new_pupil: dict[str, Any]
) -> None:
    token = school.tokens(new_pupil["username"], password=new_pupil["password"]).access
    take_email(lab, new_pupil)
    # HAProxy says nothing, where it had the connection to the drive already: a browser asks again.
    with suppress(RemoteDisconnected):
        assert Pupil(school, token).drives().status == 502
    assert works(pupil)


def test_a_token_of_another_client_of_the_realm_is_refused(school: School, pupil: Pupil) -> None:
    page = f"{school.origin('login')}/realms/skole/account/"
    token = school.tokens("elev0006498", school.site("account-console", page)).access
    assert Pupil(school, token).drives().status == 401
    assert works(pupil)


def test_who_brings_no_token_is_let_through_to_the_drive(school: School) -> None:
    cell = school.origin(school.cell)
    assert school.send(Request(cell, "GET", "/status.php")).status == 200
    assert school.send(drive.drives(cell)).status == 401


def test_only_the_drive_and_keycloaks_account_page_give_pupils_tokens(lab: Lab) -> None:
    clients = realm.ask(lab, "GET", "/clients")
    usable = [c for c in clients if c["enabled"] and not c["bearerOnly"]]
    assert {c["clientId"] for c in usable} == {"account", "account-console", "drive"}
    assert not any(c["directAccessGrantsEnabled"] or c["implicitFlowEnabled"] for c in usable)


@contextmanager
def short_tokens(lab: Lab, seconds: int) -> Iterator[None]:
    """Let the drive's client give tokens that hold so long."""
    (client,) = realm.ask(lab, "GET", "/clients?clientId=drive")

    def change(lifespan: str) -> None:
        attributes = client["attributes"] | {"access.token.lifespan": lifespan}
        realm.ask(lab, "PUT", f"/clients/{client['id']}", client | {"attributes": attributes})

    try:
        change(str(seconds))
        yield
    finally:
        change("")


def test_an_expired_token_is_refused_also_one_that_was_good_before(
    lab: Lab, school: School
) -> None:
    with short_tokens(lab, 5):
        short = Pupil(school, school.tokens("elev0006498").access)
    assert short.drives().status == 200
    time.sleep(6)
    assert short.drives().status == 401


def test_a_token_that_was_tampered_with_is_refused(pupil: Pupil) -> None:
    head, claims, signature = pupil.token.split(".")
    middle = len(claims) // 2
    changed = claims[:middle] + ("A" if claims[middle] != "A" else "B") + claims[middle + 1 :]
    unsigned = "eyJhbGciOiJub25lIn0"  # {"alg":"none"}
    for token in (
        f"{head}.{changed}.{signature}",
        f"{head}.{claims}.{signature[::-1]}",
        f"{unsigned}.{claims}.",
        "",
    ):
        assert replace(pupil, token=token).drives().status == 401


@contextmanager
def certificate_on_the_edge(lab: Lab, pem: str) -> Iterator[None]:
    """Have the edge show another certificate; its own lies beside it meanwhile."""
    file = "/etc/haproxy/site.pem"
    try:
        lab.ssh("edge1", f"cp -a {file} {file}.kept && cat > {file} <<'END'\n{pem}END\n")
        lab.ssh("edge1", "systemctl reload haproxy")
        yield
    finally:
        lab.ssh("edge1", f"mv {file}.kept {file} && systemctl reload haproxy")


def refusal(school: School, page: Request) -> str:
    """Return why a client that checks certificates does not take the edge's."""
    try:
        school.send(page)
    except ssl.SSLCertVerificationError as error:
        return error.verify_message
    return ""


def test_an_expired_certificate_on_the_edge_is_refused_and_named(
    lab: Lab, school: School, tmp_path: Path
) -> None:
    (tmp_path / "ca.pem").write_text(school.secrets["ca_certificate"])
    origin = school.origin("portal")
    page = Request(origin, "GET", "/")
    storm = Transport({origin: school.target(origin)}, tls_context(tmp_path / "ca.pem"))
    over = expired(
        [f"portal.{school.domain}"], school.secrets["ca_certificate"], school.secrets["ca_key"]
    )
    with certificate_on_the_edge(lab, over):
        # A reload takes a moment, for which the edge goes on with what it had.
        assert wait_until(lambda: refusal(school, page) == "certificate has expired", 30)
        with pytest.raises(Unanswered, match=r"^certificate$"):
            storm.connection().send(page)
    assert wait_until(lambda: refusal(school, page) == "", 30)


@pytest.fixture(scope="module")
def drive_variables(lab: Lab) -> Iterator[None]:
    """Have the drive's variables as they were, and the lab, when these tests have changed them."""
    before = lab.set_variables("drive")
    yield
    lab.set_variables("drive", **before)
    lab.set_host_variables("drive")
    lab.up()


@pytest.mark.usefixtures("drive_variables")
def test_a_binary_with_a_wrong_checksum_is_named_and_nothing_is_installed(
    lab: Lab, tmp_path: Path
) -> None:
    binary = tmp_path / "drive"
    binary.write_bytes(b"not what it says")
    wrong = {"drive_file": str(binary), "drive_sha256": "0" * 64, "drive_version": "9.9.9"}
    lab.set_variables("drive", drive_source="file", **wrong)
    done = lab.klokken("up", STACK)
    assert done.returncode == Exit.MACHINE
    line = f"{binary}: is not the binary of drive_sha256; nothing was installed"
    assert line in done.stdout
    # Nor is one installed whose checksum nobody gave.
    lab.set_variables("drive", drive_source="release", drive_version="9.9.9")
    done = lab.klokken("up", STACK)
    assert done.returncode == Exit.MACHINE
    assert "drive_sha256: not 64 hexadecimal digits" in done.stdout
    for cell in ("drive1", "drive2"):
        assert lab.ssh(cell, "ls -d /opt/drive-*").split() == ["/opt/drive-2.0.0"]
        told = json.loads(lab.ssh(cell, "cat /etc/klokken/versions/drive.json"))
        assert told == {"ocis": "2.0.0 (module)"}


@contextmanager
def downloads(folder: Path) -> Iterator[str]:
    """Serve `folder` on loopback, as a product's own downloads; give the address."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


@pytest.mark.usefixtures("drive_variables")
def test_a_release_with_a_wrong_checksum_is_named_and_nothing_is_installed(
    lab: Lab, tmp_path: Path
) -> None:
    before = lab.ssh("drive1", "sha256sum /opt/drive/ocis")
    (tmp_path / "ocis-2.0.0-linux-amd64").write_bytes(b"not what it says")
    with downloads(tmp_path) as address:
        lab.set_variables(
            "drive",
            drive_source="release",
            drive_version="2.0.0",
            drive_sha256="0" * 64,
            drive_release_url=address + "/{product}-{version}-linux-{arch}",
            drive_cache=str(tmp_path / "cache"),
        )
        done = lab.klokken("up", STACK)
    assert done.returncode == Exit.MACHINE
    line = "/ocis-2.0.0-linux-amd64: is not the binary of drive_sha256; nothing was installed"
    assert address + line in done.stdout
    assert lab.ssh("drive1", "sha256sum /opt/drive/ocis") == before
    assert not (tmp_path / "cache/downloads/ocis-2.0.0").exists()


@pytest.mark.usefixtures("drive_variables")
def test_a_release_is_fetched_and_a_file_is_taken_and_both_cells_serve(
    lab: Lab, school: School, folder: str, tmp_path: Path
) -> None:
    # What stands behind a program's end changes its checksum, and not what it does.
    built = (tools_folder() / "ocis").read_bytes()
    released, given = tmp_path / "ocis-2.0.0-linux-amd64", tmp_path / "given"
    released.write_bytes(built + b"released")
    given.write_bytes(built + b"given")
    sums = {p: hashlib.sha256(p.read_bytes()).hexdigest() for p in (released, given)}
    with downloads(tmp_path) as address:
        lab.set_variables(
            "drive",
            drive_source="release",
            drive_version="2.0.0",
            drive_sha256=sums[released],
            drive_release_url=address + "/{product}-{version}-linux-{arch}",
            drive_cache=str(tmp_path / "cache"),
        )
        lab.set_host_variables(
            "drive",
            drive2={
                "drive_source": "file",
                "drive_file": str(given),
                "drive_sha256": sums[given],
            },
        )
        lab.up()
    for cell, path, source in (("drive1", released, "release"), ("drive2", given, "file")):
        assert lab.ssh(cell, "sha256sum /opt/drive/ocis").split()[0] == sums[path]
        told = json.loads(lab.ssh(cell, "cat /etc/klokken/versions/drive.json"))
        assert told == {"ocis": f"2.0.0 ({source})"}
    assert wait_until(lambda: lab.klokken("check", STACK).returncode == 0, 180)
    # It took longer than a token holds.
    assert works(replace(school.pupil("elev0006498"), root=folder))
