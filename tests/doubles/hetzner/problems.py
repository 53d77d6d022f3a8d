"""What the API answers when it does not do what it was asked."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """An answer that is an error: an HTTP status, a code for programs and a text for people."""

    def __init__(self, status: int, code: str, message: str, details: Any = None) -> None:
        """Build the answer."""
        super().__init__(message)
        self.status = status
        self.body = {"error": {"code": code, "message": message, "details": details}}


def invalid(field: str, message: str) -> ApiError:
    """Return the answer to a field that cannot be so."""
    details = {"fields": [{"name": field, "messages": [message]}]}
    return ApiError(422, "invalid_input", f"invalid input in field '{field}': {message}", details)


def not_found(kind: str, wanted: object) -> ApiError:
    """Return the answer to a name or id that there is not."""
    return ApiError(404, "not_found", f"{kind} {wanted} not found")


def not_unique(kind: str, field: str) -> ApiError:
    """Return the answer to a name that is taken."""
    return ApiError(409, "uniqueness_error", f"{kind}: {field} is already used")


def in_use(kind: str, by: str) -> ApiError:
    """Return the answer to deleting what something else still needs."""
    return ApiError(409, "resource_in_use", f"{kind} is still in use by {by}")


def over_limit(kind: str) -> ApiError:
    """Return the answer to one more than the project may have."""
    return ApiError(403, "resource_limit_exceeded", f"{kind} limit exceeded")


def protected(kind: str) -> ApiError:
    """Return the answer to deleting what is protected."""
    return ApiError(403, "protected", f"{kind} is delete protected")


def locked(kind: str) -> ApiError:
    """Return the answer while another action is under way."""
    return ApiError(423, "locked", f"{kind} is locked by another action")
