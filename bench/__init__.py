"""The figures of the README, measured on this machine: real processes, loopback, the sandbox.

Owns what is measured and how; knows the proxy by its HTTP answers and its processes alone.
"""
