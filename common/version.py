"""The release, in the one place: for /metrics and the OpenAPI document."""

VERSION = "1.0.0"
