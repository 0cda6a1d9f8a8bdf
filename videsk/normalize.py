"""Normalize Videsk's JSON: unwrap pages, rename `_id` to `id`, and add missing `users`."""

from typing import Any

from videsk.errors import VideskInvalidResponseError

MAX_DEPTH = 200
"""Of nested arrays and objects. rename_ids uses two frames for each, of Python's 1000."""


def is_too_deep(value: Any) -> bool:
    """Whether the JSON value is nested more than MAX_DEPTH deep."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        containers = [part for part in level if isinstance(part, list | dict)]
        if not containers:
            return False
        level = [
            item
            for part in containers
            for item in (part.values() if isinstance(part, dict) else part)
        ]
    return True


def rename_ids(value: Any) -> Any:
    """Return the value with `_id` renamed to `id` at every depth, unless the object has an `id`.

    The order of the members is kept.
    """
    if isinstance(value, list):
        return [rename_ids(item) for item in value]
    if isinstance(value, dict):
        return {
            "id" if key == "_id" and "id" not in value else key: rename_ids(item)
            for key, item in value.items()
        }
    return value


def add_users(service: dict[str, Any]) -> dict[str, Any]:
    """Return the service with `users`, which Videsk omits if it assigns the agent."""
    return service if service.get("users") is not None else service | {"users": []}


def unwrap(page: Any) -> tuple[list[Any], float]:
    """Return a page's items and the length of the whole list.

    `page`: an array, or a Feathers page with `data` and `total`
    (https://feathersjs.com/api/databases/common). Raises VideskInvalidResponseError otherwise.
    """
    if isinstance(page, list):
        return page, len(page)
    if isinstance(page, dict) and isinstance(page.get("data"), list):
        total = page.get("total")
        return page["data"], total if isinstance(total, int | float) else len(page["data"])
    raise VideskInvalidResponseError
