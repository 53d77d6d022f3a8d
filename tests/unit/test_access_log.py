from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import numpy as np
import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from klokken.accesslog.commands import arrivals
from klokken.accesslog.formats import is_notice
from klokken.accesslog.tally import of_path, section, table, tally
from klokken.arrivals import Table
from klokken.curve import Curve, seconds
from klokken.errors import InputError
from klokken.profile import PROFILES, Profile
from tests.accesslogs import COMBINED, OURS, PLAIN, STANDARD, log

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def write(folder: Path, lines: Iterable[bytes], name: str = "access.log") -> Path:
    path = folder / name
    path.write_bytes(b"".join(lines))
    return path


MORNING = {473: 3, 478: 40, 479: 11, 480: 120, 481: 70, 484: 6}


@given(
    counts=st.dictionaries(st.integers(420, 539), st.integers(1, 20), min_size=1, max_size=20),
    form=st.sampled_from([OURS, STANDARD, PLAIN]),
    days=st.integers(1, 3),
)
def test_a_table_gives_the_morning_back_that_it_was_made_from(
    tmp_path_factory: pytest.TempPathFactory, counts: dict[int, int], form: str, days: int
) -> None:
    path = write(tmp_path_factory.mktemp("log"), log(counts, form, days))
    counted = tally(path)
    assert counted.logins == days * sum(counts.values())
    written = yaml.safe_load(section(table(counted, path, counted.busiest(120))))["arrivals"]
    made = Table.model_validate(written)
    curve = Curve.of(made)
    for minute in range(420, 541):
        before = sum(n for m, n in counts.items() if m < minute) / sum(counts.values())
        assert curve.share_before(minute * 60) == pytest.approx(before, abs=1e-8)
    assert seconds(made.opens) == min(counts) * 60
    assert seconds(made.closes) == max(counts) * 60 + 60


def test_pupils_drawn_from_the_table_come_as_those_of_the_log_did(tmp_path: Path) -> None:
    path = write(tmp_path, log(MORNING))
    counted = tally(path)
    due = Curve.of(table(counted, path, counted.busiest(60))).due(1, 0, 50_000)
    found = np.bincount((due // 60).astype(int), minlength=500)
    for minute, count in MORNING.items():
        share = count / 250
        assert found[minute] / 50_000 == pytest.approx(share, abs=4 * (share / 50_000) ** 0.5)
    assert found.sum() == sum(found[minute] for minute in MORNING)


def test_the_busiest_minutes_are_found_among_days(tmp_path: Path) -> None:
    counts = {300: 5, **MORNING, 600: 100, 700: 100}
    counted = tally(write(tmp_path, log(counts, days=3)))
    assert counted.busiest(4) == range(478, 482)
    assert counted.busiest(1440) == range(300, 701)
    assert counted.period == "3 days, 2025-11-21 to 2025-11-23"


def test_a_log_may_be_gzipped_in_several_parts(tmp_path: Path) -> None:
    lines = list(log(MORNING))
    parts = [gzip.compress(b"".join(lines[:100])), gzip.compress(b"".join(lines[100:]))]
    assert tally(write(tmp_path, parts)).minutes == tally(write(tmp_path, lines)).minutes


def test_what_haproxy_says_of_itself_is_no_line_of_the_log(tmp_path: Path) -> None:
    notices = [
        b"[WARNING]  (510) : Proxy http stopped (cumulated conns: FE: 0, BE: 0).\n",
        b"Nov 21 08:00:00 edge1 haproxy[5]: Server drive1/drive1 is DOWN, reason: Layer4 timeout\n",
        b"backend drive1 has no server available!\n",
        b"\n",
    ]
    assert not any(is_notice(text) for text in log(MORNING))
    counted = tally(write(tmp_path, [*notices, *log(MORNING), *notices]))
    assert (counted.lines, counted.unreadable) == (500, 0)


def test_another_path_may_be_counted_by_any_or_by_one_method(tmp_path: Path) -> None:
    path = write(tmp_path, log({480: 3}, path="/realms/skole/auth"))
    assert tally(path, wanted=of_path("/realms/skole")).logins == 6
    assert tally(path, wanted=of_path("POST /realms/skole/a")).logins == 3


@pytest.mark.parametrize("path", ["login", "", "post /login", "POST  /login"])
def test_a_path_that_is_none_is_refused(path: str) -> None:
    with pytest.raises(InputError, match="arrivals: path: is "):
        of_path(path)


def test_one_line_in_a_hundred_may_be_unreadable(tmp_path: Path) -> None:
    lines = list(log(MORNING))
    noise = [b"anna.hansen says hello\n"]
    counted = tally(write(tmp_path, [*noise, *lines[:200], *noise * 4, *lines[200:]]))
    assert (counted.unreadable, counted.first_unreadable, counted.logins) == (5, 1, 250)
    with pytest.raises(InputError, match="line 6: the first of 6 of 506 lines that cannot be read"):
        tally(write(tmp_path, [*lines[:5], *noise * 6, *lines[5:]]))


@pytest.mark.parametrize(
    ("content", "form", "message"),
    [
        (b"", "auto", "is empty: there is no request in it; give another log"),
        (b"\n \n", "auto", "is empty"),
        (b"[NOTICE]   (5) : New worker (7) forked\n", "auto", "is empty"),
        (b"\nanna.hansen 10.0.0.7 logs in\n", "auto", "line 2: is neither in HAProxy's HTTP log"),
        (b"anna.hansen\n" * 2000, "auto", "line 1: is neither in HAProxy's HTTP log"),
        (b"anna.hansen" * 20_000, "auto", "line 1: is neither in HAProxy's HTTP log"),
        (b"\x00\xff" * 500, "auto", "line 1: is neither"),
        (b"".join(log({480: 3})), "common", "line 1: the first of 6 of 6 lines that cannot"),
        (b"".join(log({480: 3}, path="/x")), "auto", "path: none of 6 lines is a request of it"),
        (gzip.compress(b"".join(log({480: 3})))[:-9], "auto", "the gzip file is damaged"),
        (gzip.compress(b"x" * 99, mtime=0)[:12] + b"anna", "auto", "the gzip file is damaged"),
    ],
)
def test_a_log_without_a_curve_is_refused_in_one_line_without_its_content(
    tmp_path: Path, content: bytes, form: str, message: str
) -> None:
    path = write(tmp_path, [content])
    with pytest.raises(InputError) as refused:
        tally(path, form)
    told = str(refused.value)
    assert told.startswith(f"{path}: ")
    assert message in told
    assert "\n" not in told
    assert "anna" not in told
    assert "10.0.0" not in told


def test_a_log_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such file"):
        tally(tmp_path / "access.log")
    with pytest.raises(InputError, match="cannot be read"):
        tally(tmp_path)


def test_the_command_writes_a_section_that_a_profile_can_have(tmp_path: Path) -> None:
    path = write(tmp_path, log(MORNING, COMBINED))
    output = tmp_path / "arrivals.yaml"
    ended = CliRunner().invoke(arrivals, ["from-log", str(path), "--output", str(output)])
    assert ended.exit_code == 0
    assert ended.stdout == ""
    body = yaml.safe_load((PROFILES / "minute.yaml").read_text())
    profile = Profile.model_validate(body | yaml.safe_load(output.read_text()))
    assert isinstance(profile.arrivals, Table)
    assert profile.arrivals.source == "Access log access.log, 2025-11-21: 250 logins"
    assert len(profile.arrivals.rows) == 12


def test_the_command_tells_the_busiest_minutes_and_nothing_of_a_person(tmp_path: Path) -> None:
    path = write(tmp_path, log({**MORNING, 600: 10}, COMBINED))
    ended = CliRunner().invoke(arrivals, ["from-log", str(path), "--minutes", "30"])
    assert ended.exit_code == 0
    assert ended.stderr.splitlines() == [
        "260 logins in 520 lines, 2025-11-21; 0 lines could not be read",
        "busiest: 07:53 to 08:05, 250 logins, 96.2 % of them",
        "busiest minute: 08:00, 120 logins",
    ]
    assert yaml.safe_load(ended.stdout)["arrivals"]["rows"][0] == {"at": "07:53", "share": 0.012}
    for secret in ("anna", "10.0.0", "Mozilla", "portal"):
        assert secret not in ended.output


def test_logins_at_midnight_have_a_curve_too(tmp_path: Path) -> None:
    path = write(tmp_path, log({0: 1, 1439: 3}))
    counted = tally(path)
    made = table(counted, path, counted.busiest(1440))
    assert f"{made.opens} {made.closes}" == "00:00:00 23:59:59"
    assert yaml.safe_load(section(made))["arrivals"]["closes"] == "23:59:59"


def test_a_curve_that_cannot_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    path = write(tmp_path, log({480: 3}))
    wrong = str(tmp_path / "none" / "curve.yaml")
    ended = CliRunner().invoke(arrivals, ["from-log", str(path), "--output", wrong])
    assert isinstance(ended.exception, InputError)
    assert str(ended.exception).startswith(f"{wrong}: output: cannot be written")
