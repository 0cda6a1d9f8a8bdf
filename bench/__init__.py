"""Measures the figures of docs/performance.md: real processes, loopback, the sandbox.

It uses only the proxy's HTTP responses and processes.
"""
