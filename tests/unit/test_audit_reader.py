"""The reader as it is run: its source and its question sent to a program over `ssh`."""

from __future__ import annotations

import hashlib
import io
import os
import ssl
from typing import TYPE_CHECKING, Any

import pytest

from klokken.audit import question
from klokken.audit import run as audits
from klokken.audit.question import Found, ask
from klokken.errors import Exit, MachineError
from tests.unit.exam_site import BROKEN, LOGIN, PASSWORD, ExamSite
from tests.unit.site_of_folders import SSH
from tests.unit.test_audit_verdict import write
from tests.unit.test_plan import inventory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TEXT = b"Skriftlig fremstilling"
PATH = "eksamen/sv#r æ.odt"
FOLDER = "/dav/spaces/elev7/eksamen"
DAV = f"/dav/spaces/elev7/{PATH}"


@pytest.fixture(autouse=True)
def _host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "ssh").write_text(SSH)
    (programs / "ssh").chmod(0o755)
    (tmp_path / "pupils").write_text(PASSWORD + "\n")
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("HOST", str(tmp_path))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[ExamSite]:
    with ExamSite({"elev7": {PATH: TEXT}}).listening(tmp_path) as there:
        yield there


def asked(site: ExamSite, folder: Path, **changes: Any) -> dict[str, Any]:
    return {
        "login": site.host, "realm": "skole", "client": "drive", "ca": site.ca,
        "password_file": str(folder / "pupils"), "threads": 4, "patience": 3.0, "limit": 20.0,
        "pupils": [{"username": "elev7", "host": site.host, "paths": [PATH]}],
    } | changes  # fmt: skip


def read(site: ExamSite, folder: Path, **changes: Any) -> Found:
    (found,) = ask(inventory(), asked(site, folder, **changes), io.StringIO())
    return found


def test_a_document_is_read_with_what_it_is(site: ExamSite, tmp_path: Path) -> None:
    found = read(site, tmp_path)
    assert (found.username, found.path, found.status) == ("elev7", PATH, 200)
    assert found.sha256 == hashlib.sha256(TEXT).hexdigest()
    assert (found.size, found.etag, found.cause, found.copies) == (len(TEXT), '"e"', "", [])


def test_each_pupil_logs_in_once_and_out_again(site: ExamSite, tmp_path: Path) -> None:
    who = {"username": "elev7", "host": site.host, "paths": [PATH, "eksamen/other.odt"]}
    assert len(ask(inventory(), asked(site, tmp_path, pupils=[who]), io.StringIO())) == 2
    for step in (f"GET {LOGIN}/auth", f"POST {LOGIN}/token", f"POST {LOGIN}/logout"):
        assert site.asked[step] == 1
    assert site.asked[f"PROPFIND {FOLDER}"] == 1


@pytest.mark.parametrize(
    ("step", "passing"),
    [(f"GET {DAV}", p) for p in ([425, 425], [503], [500], [429], [BROKEN])]
    + [(f"PROPFIND {FOLDER}", [BROKEN, 425])],
)
def test_what_passes_is_asked_for_again(
    site: ExamSite, tmp_path: Path, step: str, passing: list[int]
) -> None:
    site.first[step] = [*passing]
    assert read(site, tmp_path).sha256 == hashlib.sha256(TEXT).hexdigest()
    assert site.asked[step] == len(passing) + 1


def test_a_document_is_missing_only_when_that_is_said_again_and_again(
    site: ExamSite, tmp_path: Path
) -> None:
    site.first[f"GET {DAV}"] = [404, 404]
    assert read(site, tmp_path).sha256
    del site.files["elev7"][PATH]
    found = read(site, tmp_path)
    assert (found.status, found.sha256, found.cause) == (404, None, "")


@pytest.mark.parametrize("status", [401, 403, 500, BROKEN])
def test_an_answer_that_tells_nothing_is_a_cause(
    site: ExamSite, tmp_path: Path, status: int
) -> None:
    site.first[f"GET {DAV}"] = [status] * 40
    found = read(site, tmp_path, patience=1.0)
    assert found.sha256 is None
    assert found.cause


def test_a_folder_that_cannot_be_listed_is_a_cause_too(site: ExamSite, tmp_path: Path) -> None:
    site.first[f"PROPFIND {FOLDER}"] = [403]
    assert "folder eksamen: status 403" in read(site, tmp_path).cause


def test_copies_that_a_conflict_left_are_named(site: ExamSite, tmp_path: Path) -> None:
    copy = "eksamen/sv%23r%20%C3%A6%20(conflicted copy 2026-05-04).odt"
    site.files["elev7"] |= {copy: TEXT, "eksamen/conflict.odt": TEXT}
    assert read(site, tmp_path).copies == ["sv#r æ (conflicted copy 2026-05-04).odt"]


def test_a_wrong_password_a_strange_certificate_and_no_time_are_causes(
    site: ExamSite, tmp_path: Path
) -> None:
    (tmp_path / "pupils").write_text("wrong")
    assert "password: status 200" in read(site, tmp_path).cause
    system = ssl.get_default_verify_paths().cafile or "/etc/ssl/certs/ca-certificates.crt"
    assert "certificate" in read(site, tmp_path, ca=system).cause
    assert "no time left" in read(site, tmp_path, limit=0).cause


def test_a_step_of_the_login_that_was_lost_is_begun_anew(site: ExamSite, tmp_path: Path) -> None:
    site.first[f"POST {LOGIN}/token"] = [400]
    assert read(site, tmp_path).sha256
    assert site.asked[f"GET {LOGIN}/auth"] == 2


def test_many_pupils_are_all_told_of(site: ExamSite, tmp_path: Path) -> None:
    names = [f"elev{n}" for n in range(30)]
    site.files.update({name: {PATH: name.encode()} for name in names})
    pupils = [{"username": name, "host": site.host, "paths": [PATH]} for name in names]
    out = io.StringIO()
    unhurried = asked(site, tmp_path, pupils=pupils, patience=60.0, limit=120.0)
    found = ask(inventory(), unhurried, out)
    assert {f.username: f.sha256 for f in found} == {
        name: hashlib.sha256(name.encode()).hexdigest() for name in names
    }
    assert "audit: 30 of 30 documents read" in out.getvalue()


def test_a_reader_that_fails_is_one_line(site: ExamSite, tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="No such file") as caught:
        read(site, tmp_path, password_file=str(tmp_path / "none"))
    assert "\n" not in str(caught.value)


def test_a_host_that_is_lost_before_it_has_read_the_question_is_one_line(
    site: ExamSite, tmp_path: Path
) -> None:
    (tmp_path / "bin" / "ssh").write_text("#!/bin/sh\necho 'Connection refused' >&2\nexit 255\n")
    pupils = [{"username": "elev7", "host": site.host, "paths": ["x" * 2**20]}]
    with pytest.raises(MachineError, match=r"^loadgen1: .*: Connection refused$"):
        ask(inventory(), asked(site, tmp_path, pupils=pupils), io.StringIO())


def test_a_reader_without_an_end_is_ended(
    site: ExamSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin" / "ssh").write_text("#!/bin/sh\nexec sleep 60\n")
    monkeypatch.setattr(question, "GRACE", 0.5)
    with pytest.raises(MachineError, match="ended after at most 1 s"):
        ask(inventory(), asked(site, tmp_path, limit=0.5), io.StringIO())


@pytest.mark.parametrize(
    ("there", "code"), [(TEXT, Exit.PASS), (b"other", Exit.FAIL), (None, Exit.FAIL)]
)
def test_a_run_is_audited_from_its_log_to_its_verdict(
    site: ExamSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bytes | None, code: Exit
) -> None:
    log = write(TEXT.decode(), path=PATH).model_dump_json() + "\n"
    (tmp_path / "writes.jsonl").write_text(log)
    site.files["elev7"] = {} if there is None else {PATH: there}
    whole = asked(site, tmp_path)
    monkeypatch.setattr(question.Site, "question", lambda *_: whole)
    outcome = audits.run(tmp_path, inventory())
    assert outcome.exit == code
    written = (tmp_path / "audit.json").read_text()
    assert type(outcome).model_validate_json(written) == outcome
