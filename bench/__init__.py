"""The figures of the README, measured on this machine: real processes, loopback, the sandbox.

It uses only the proxy's HTTP responses and processes.
"""
