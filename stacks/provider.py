"""What all our dynamic providers share."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any


def quiet_errors() -> None:
    """Keep gRPC from printing a stack trace for an error that Pulumi shows in a line anyway."""
    logger = logging.getLogger("grpc._server")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False


def cancelled() -> bool:
    """Say whether whoever started Pulumi has asked, by a file, for an early end."""
    file = os.environ.get("KLOKKEN_CANCEL")
    return bool(file) and Path(str(file)).exists()


def whole(value: Any) -> Any:
    """Return what a resource was given, its whole numbers whole again: Pulumi hands over floats."""
    if isinstance(value, dict):
        return {key: whole(each) for key, each in value.items()}
    if isinstance(value, list):
        return [whole(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
