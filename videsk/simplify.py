"""What "simplified" means: pages become arrays, `_id` becomes `id`. Nothing else is touched."""

from typing import Any


def rename_ids(value: Any) -> Any:
    """`_id` becomes `id` at every depth, in its place, unless the object has an `id` already."""
    if isinstance(value, list):
        return [rename_ids(item) for item in value]
    if isinstance(value, dict):
        return {
            "id" if key == "_id" and "id" not in value else key: rename_ids(item)
            for key, item in value.items()
        }
    return value


def with_users(service: dict[str, Any]) -> dict[str, Any]:
    """A service with `users`, which Videsk leaves out where the service picks the agent."""
    return service if service.get("users") is not None else service | {"users": []}
