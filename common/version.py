"""The version, for /metrics and the OpenAPI document."""

VERSION = "1.0.0"
