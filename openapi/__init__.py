"""The OpenAPI document, made from the schemas that validate and the app's own table of routes."""
