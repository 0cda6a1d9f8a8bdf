"""The version of the release, which CHANGELOG.md and the TypeScript client repeat."""

VERSION = "1.0.0"
