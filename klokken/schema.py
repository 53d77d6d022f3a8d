"""The published JSON Schema of results.json, generated from the model that writes it.

`python -m klokken.schema > klokken/results.schema.json` writes it anew.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from klokken.results import Results

PUBLISHED = Path(__file__).with_name("results.schema.json")


def results_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a results.json."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Results.model_json_schema(mode="serialization"),
    }


def text() -> str:
    """Return the schema as the text of its file."""
    return json.dumps(results_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
