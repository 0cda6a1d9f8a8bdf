"""What else could stand in front of Videsk, each as its own ecosystem would build it.

All do the same job before the same paths: the key goes on, one origin may call (CORS), each client
has a limit, and answers are kept for services 300, dates 60, hours 5 seconds. All read the same
environment variables, run two workers, keep their connections to Videsk open, give it
10 seconds, and write no access log. Where there was a choice, it is the one that is better for the
peer. None unwraps Videsk's pages or drops what a booking has changed: it is over within the TTL.

What they are made of comes from the package registries, by `python -m bench.peers`.
"""
