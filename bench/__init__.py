"""Measures the figures of docs/performance.md: real processes, loopback, the sandbox.

Owns what is measured and how; knows the proxy by its HTTP answers and its processes alone.
"""
