"""The OpenAPI document, generated from the schemas, the views and the app's routes."""
