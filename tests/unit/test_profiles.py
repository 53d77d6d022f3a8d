from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from klokken.errors import InputError
from klokken.profile import PROFILES, Profile
from klokken.retries import Retries
from klokken.storm.plan import plan_dry_run

if TYPE_CHECKING:
    from pathlib import Path

NONE = {"value": 0.0, "source": "A test."}
EXAM = yaml.safe_load((PROFILES / "exam.yaml").read_text())["exam"]
DAYS = {"school-day"}
NAMES = sorted({p.stem for p in PROFILES.glob("*.yaml")} - DAYS)


def altered(folder: Path, *keys: str, value: Any) -> Path:
    """Write the profile `minute` with one value replaced, or removed where it is None."""
    body = yaml.safe_load((PROFILES / "minute.yaml").read_text())
    place = body
    for key in keys[:-1]:
        place = place[key]
    if value is None:
        del place[keys[-1]]
    else:
        place[keys[-1]] = value
    path = folder / "minute.yaml"
    path.write_text(yaml.safe_dump(body))
    return path


@pytest.mark.parametrize(
    ("name", "pupils"),
    [
        ("south-schleswig", 6_500),
        ("denmark", 600_000),
        ("denmark-morning", 600_000),
        ("bavaria", 1_200_000),
        ("minute", 600),
        ("morning", 300),
        ("exam", 300),
    ],
)
def test_the_profiles_that_come_with_klokken_have_their_populations(name: str, pupils: int) -> None:
    assert Profile.named(name).pupils.value == pupils


@pytest.mark.parametrize("name", NAMES)
def test_every_shipped_figure_says_where_it_comes_from(name: str) -> None:
    def figures(value: Any) -> list[dict[str, Any]]:
        if isinstance(value, dict):
            here = [value] if "value" in value else []
            return here + [f for v in value.values() for f in figures(v)]
        return []

    found = figures(Profile.named(name).model_dump())
    assert len(found) >= 10
    assert all(bool(f["source"]) != (f["assumed"] and bool(f["why"])) for f in found)


@pytest.mark.parametrize(
    ("keys", "value", "message"),
    [
        (("pupils", "value"), "many", "pupils.value"),
        (("pupils", "value"), -3, "pupils.value"),
        (("pupils", "value"), 6.5, "pupils.value"),
        (("pupils", "why"), None, "an assumed figure needs a `why`"),
        (("pupils", "vaule"), 3, "did you mean 'value'?"),
        (("pupils",), None, "pupils: missing"),
        (("arrivals", "opens"), 630, "in quotes"),
        (("arrivals", "opens"), "08:00Z", "time zone"),
        (("arrivals", "opens"), "eight", "opens"),
        (("arrivals", "opens"), "09:00", "`opens` must be before `closes`"),
        (("arrivals", "kind"), "camel", "arrivals"),
        (("slo", "lunch"), {"failed_share": NONE}, "login_page, password, token"),
        (("slo", "login"), {"failed_share": NONE}, "`slo.login` needs `p99_seconds`"),
        (("exam",), EXAM, "belongs to the journey exam"),
        (("journey",), "exam", "`slo` has 'login'"),
        (("slo",), {}, "slo"),
        (("slo", "login", "p99_seconds", "value"), float("inf"), "p99_seconds.value"),
        (("slo", "login", "failed_share", "value"), 1.5, "failed_share.value"),
        (("generator", "lateness_p999_seconds", "value"), 0, "lateness_p999_seconds.value"),
        (("journey",), "lunch", "journey"),
    ],
)
def test_a_wrong_value_is_refused_in_one_line_that_names_file_and_field(
    tmp_path: Path, keys: tuple[str, ...], value: Any, message: str
) -> None:
    path = altered(tmp_path, *keys, value=value)
    with pytest.raises(InputError) as refused:
        Profile.read(path)
    line = str(refused.value)
    assert line.startswith(str(path))
    assert message in line
    assert "\n" not in line


def table(*rows: tuple[str, float], closes: str = "08:10") -> dict[str, Any]:
    listed = [{"at": at, "share": share} for at, share in rows]
    return {"kind": "table", "source": "A test.", "rows": listed, "closes": closes}


def mixture(*shares: float) -> dict[str, Any]:
    curve = table(("08:00", 1.0))
    curves = [{"share": {"value": share, "source": "A test."}, "curve": curve} for share in shares]
    return {"kind": "mixture", "curves": curves}


@pytest.mark.parametrize(
    ("arrivals", "message"),
    [
        (table(("08:00", 0.5), ("08:01", 0.4)), "the shares of `rows` sum to 0.9, not to 1"),
        (table(("08:00", 1.5), ("08:01", -0.5)), "rows.0.share: Input should be less than"),
        (table(("08:00", -0.5), ("08:01", 1.0)), "rows.0.share: Input should be greater than"),
        (table(("08:01", 0.5), ("08:00", 0.5)), "`rows.1` is at 08:00:00, not after the row"),
        (table(("08:01", 0.5), ("08:01", 0.5)), "`rows.1` is at 08:01:00, not after the row"),
        (table(("08:10", 1.0)), "`closes` must be after the last of `rows`"),
        (table(), "rows"),
        (table(("08:00", 1.0)) | {"source": ""}, "give either a `source`"),
        (mixture(0.5, 0.4), "the shares of `curves` sum to 0.9, not to 1"),
        (mixture(1.5, -0.5), "curves.0.share.value"),
        (mixture(), "curves"),
    ],
)
def test_arrivals_that_cannot_be_are_refused_in_one_line(
    tmp_path: Path, arrivals: dict[str, Any], message: str
) -> None:
    path = altered(tmp_path, "arrivals", value=arrivals)
    with pytest.raises(InputError) as refused:
        Profile.read(path)
    line = str(refused.value)
    assert line.startswith(f"{path}: arrivals.")
    assert message in line
    assert "\n" not in line


@pytest.mark.parametrize("arrivals", [table(("08:00", 0.5), ("08:01", 0.5)), mixture(0.3, 0.7)])
def test_arrivals_survive_being_sent_to_a_load_generator(
    tmp_path: Path, arrivals: dict[str, Any]
) -> None:
    profile = Profile.read(altered(tmp_path, "arrivals", value=arrivals))
    assert Profile.model_validate_json(profile.model_dump_json()) == profile


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"exam": {**EXAM, "minutes": {"value": 10, "source": "A test."}}}, "exam.minutes.value"),
        ({"exam": {**EXAM, "paper_files": {"value": 0, "source": "A test."}}}, "paper_files"),
        ({"exam": {**EXAM, "compression": {"value": 0.5, "source": "A test."}}}, "compression"),
        (
            {"exam": {**EXAM, "autosave_least_seconds": {"value": 61, "source": "A test."}}},
            "`autosave_least_seconds` is more than",
        ),
        ({"exam": {**EXAM, "paper_bytes": {"value": 2, "source": "A test."}}}, "a byte"),
        ({"exam": {**EXAM, "starts": {"value": "08:59", "source": "A test."}}}, "at most 10 min"),
        ({"exam": {**EXAM, "starts": {"value": "08:29", "source": "A test."}}}, "before it starts"),
        ({"exam": None}, "belongs to the journey exam"),
    ],
)
def test_an_exam_that_cannot_be_is_refused_in_one_line(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    body = yaml.safe_load((PROFILES / "exam.yaml").read_text())
    path = tmp_path / "exam.yaml"
    path.write_text(yaml.safe_dump(body | changes))
    with pytest.raises(InputError) as refused:
        Profile.read(path)
    line = str(refused.value)
    assert line.startswith(str(path))
    assert message in line
    assert "\n" not in line


AGAIN = {
    name: {"value": value, "source": "A test."}
    for name, value in {
        "attempts": 30,
        "timeout_seconds": 10.0,
        "first_seconds": 1.0,
        "most_seconds": 20.0,
    }.items()
}


def test_a_profile_may_say_how_the_client_of_the_drive_tries_again(tmp_path: Path) -> None:
    path = tmp_path / "exam.yaml"
    body = yaml.safe_load((PROFILES / "exam.yaml").read_text())
    path.write_text(yaml.safe_dump(body | {"retries": AGAIN}))
    made = plan_dry_run(Profile.read(path), run="a-run")
    assert made.retries == Retries(
        attempts=30, timeout_seconds=10.0, first_seconds=1.0, most_seconds=20.0
    )
    assert plan_dry_run(Profile.named("exam"), run="a-run").retries == Retries()


def test_a_login_has_no_client_that_tries_again(tmp_path: Path) -> None:
    path = tmp_path / "minute.yaml"
    path.write_text(
        yaml.safe_dump(yaml.safe_load((PROFILES / "minute.yaml").read_text()) | {"retries": AGAIN})
    )
    with pytest.raises(InputError, match="`retries` belongs to the journeys morning and exam"):
        Profile.read(path)


def test_an_unknown_profile_is_refused_with_those_there_are() -> None:
    with pytest.raises(InputError, match="south-schleswig"):
        Profile.named("atlantis")


def test_a_profile_is_called_as_its_file(tmp_path: Path) -> None:
    path = tmp_path / "hour.yaml"
    path.write_text((PROFILES / "minute.yaml").read_text())
    with pytest.raises(InputError, match="call it 'hour'"):
        Profile.named(str(path))
