"""What all our dynamic providers share."""

from __future__ import annotations

import logging
import os
from pathlib import Path


def quiet_errors() -> None:
    """Keep gRPC from printing a stack trace for an error that Pulumi shows in a line anyway."""
    logger = logging.getLogger("grpc._server")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False


def cancelled() -> bool:
    """Say whether whoever started Pulumi has asked, by a file, for an early end."""
    file = os.environ.get("KLOKKEN_CANCEL")
    return bool(file) and Path(str(file)).exists()
