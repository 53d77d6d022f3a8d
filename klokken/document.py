"""Files that people write: read strictly, refused with one line that helps."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from klokken.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


class Document(BaseModel):
    """A validated, unchangeable value; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


D = TypeVar("D", bound=BaseModel)
# Where PyYAML was built with libyaml, it reads some ten times as fast.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# The error of a secret that anybody may read.
IN_CLEAR = "in_clear"


def read_yaml(path: Path) -> Any:
    """Return what the YAML file at `path` holds, or raise InputError."""
    try:
        text = path.read_text(encoding="utf-8")
        return yaml.load(text, _LOADER)  # noqa: S506 - either is a safe one
    except FileNotFoundError:
        raise InputError(path, "", "there is no such file", "check the name") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(path, "", f"cannot be read ({error})") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "not YAML"
        raise InputError(path, line, str(problem), "mend the YAML") from None


def validated(model: type[D], value: Any, source: object, prefix: str = "") -> D:
    """Return `value` as a `model`, or raise InputError about its first wrong field."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join([prefix] * bool(prefix) + [str(part) for part in first["loc"]])
        problem, mend = _explain(model, first)
        raise InputError(source, field, problem, mend) from None


def _explain(model: type[BaseModel], error: Any) -> tuple[str, str]:
    """Turn one pydantic error into a problem and its mend."""
    if error["type"] == "extra_forbidden":
        key = str(error["loc"][-1])
        near = difflib.get_close_matches(key, _fields(model), n=1)
        return "unknown key", f"did you mean {near[0]!r}?" if near else "remove it"
    if error["type"] == "missing":
        return "missing", "add it"
    if error["type"] == IN_CLEAR:
        return "in clear", "change it, as others may know it, and set it by `--secret`"
    problem = str(error["msg"]).removeprefix("Value error, ")
    given = error["input"]
    if isinstance(given, (str, int, float, bool)):
        return f"{problem} (got {given!r})", "correct it"
    return problem, "correct it"


def _fields(model: type[BaseModel], seen: frozenset[type] = frozenset()) -> set[str]:
    """Return the names of all fields of `model` and of the models within it."""
    names = set(model.model_fields)
    for field in model.model_fields.values():
        for part in _models_in(field.annotation):
            if part not in seen:
                names |= _fields(part, seen | {model, part})
    return names


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    """Return the models that occur in a type annotation."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [m for part in getattr(annotation, "__args__", ()) for m in _models_in(part)]
