"""What all our dynamic providers share."""

from __future__ import annotations

import logging


def quiet_errors() -> None:
    """Keep gRPC from printing a stack trace for an error that Pulumi shows in a line anyway."""
    logger = logging.getLogger("grpc._server")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
