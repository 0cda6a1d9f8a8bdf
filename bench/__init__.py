"""Benchmarks for docs/performance.md, with real processes on loopback and the sandbox.

They use only the proxy's HTTP responses and processes.
"""
