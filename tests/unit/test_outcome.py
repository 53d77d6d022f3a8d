from __future__ import annotations

import json
from typing import TYPE_CHECKING

import jsonschema
import pytest
from hdrh.log import HistogramLogReader

from klokken import histogram, schema
from klokken.errors import InputError, MachineError
from klokken.record import Record
from klokken.results import Results
from klokken.storm.outcome import write
from klokken.storm.remains import reported
from tests import storms
from tests.unit.test_verdict import judged, record

if TYPE_CHECKING:
    from pathlib import Path


def test_a_run_is_written_and_read_back_unchanged(tmp_path: Path) -> None:
    found = judged(record())
    write(found, record(), tmp_path / "results" / "run")
    text = (tmp_path / "results" / "run" / "results.json").read_text()
    assert Results.model_validate_json(text) == found
    assert sorted(p.name for p in (tmp_path / "results" / "run").iterdir()) == [
        "latency.hlog",
        "results.json",
    ]


@pytest.mark.parametrize("found", [judged(record()), judged(record(dropped=4)), storms.storm()])
def test_results_hold_to_the_published_schema(found: Results) -> None:
    published = json.loads(schema.PUBLISHED.read_text())
    jsonschema.Draft202012Validator.check_schema(published)
    jsonschema.validate(json.loads(found.model_dump_json()), published)


def test_the_published_schema_is_that_of_the_code() -> None:
    assert schema.PUBLISHED.read_text() == schema.text()


def test_the_schema_refuses_what_is_no_result() -> None:
    published = json.loads(schema.PUBLISHED.read_text())
    body = json.loads(judged(record()).model_dump_json())
    body["verdict"] = "PERHAPS"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(body, published)


def test_the_histogram_log_is_read_by_the_hdr_library(tmp_path: Path) -> None:
    original = record(wait=0.7)
    write(judged(original), original, tmp_path)
    reader = HistogramLogReader(str(tmp_path / "latency.hlog"), histogram.empty())
    found = {}
    while (interval := reader.get_next_interval_histogram()) is not None:
        found[interval.get_tag()] = interval
    reader.close()
    assert set(found) == {f"{s.request_class}/{s.kind}" for s in original.spans}
    assert found["login/intended"].get_total_count() == 100
    assert found["login/intended"].get_max_value() == pytest.approx(700_000, rel=1e-3)
    assert found["login/intended"].get_start_time_stamp() == original.began * 1000


@pytest.mark.parametrize("version", [2, None])
def test_results_of_an_older_klokken_are_refused_in_one_line(
    tmp_path: Path, version: int | None
) -> None:
    body = json.loads(judged(record()).model_dump_json()) | {"schema_version": version}
    (tmp_path / "results.json").write_text(json.dumps(body))
    with pytest.raises(InputError) as error:
        reported(tmp_path)
    said = f"results.json: schema_version: is {version}, and this Klokken reads 3; ring the storm"
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_results_that_are_none_are_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text("[]")
    with pytest.raises(InputError, match=r"results\.json: Input should be a valid dictionary"):
        reported(tmp_path)


def test_every_count_of_the_record_is_in_the_intervals() -> None:
    found = judged(record(failed=2, abandoned=3, dropped=4))
    for name in ("offered", "failed", "abandoned", "dropped", "completed"):
        assert sum(getattr(i, name) for i in found.intervals) == getattr(found, name)
    assert found.abandoned == 3


def test_results_that_cannot_be_written_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MachineError, match="cannot be written"):
        write(judged(record()), record(), tmp_path / "file")


def test_a_record_that_is_missing_or_broken_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="left no record"):
        Record.read(tmp_path / "record.json")
    (tmp_path / "record.json").write_text("{}")
    with pytest.raises(MachineError, match="cannot be read") as error:
        Record.read(tmp_path / "record.json")
    assert "\n" not in str(error.value)
