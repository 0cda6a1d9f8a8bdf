"""Alternatives to the proxy, each built as is usual in its ecosystem.

All do the same job on the same paths: they add the key, allow one origin (CORS), limit each client,
and cache services for 300, dates for 60 and hours for 5 seconds. All read the same environment
variables, run two workers, keep connections to Videsk open, use a timeout of 10 seconds, and write
no access log. Where there was a choice, it is the one that is better for the peer. None unwraps
Videsk's pages or invalidates what a booking has changed, which expires with its TTL.

`python -m bench.peers` installs them from the package registries.
"""
