"""`python -m doctor`: check the configuration before going live.

Reads the settings as the proxy does, sends Videsk at most ten GET requests (it books nothing), and
checks Redis, CORS, the captcha provider and the referrers' pages. Text from Videsk or Redis is
never printed as received, since it may contain the key.

Each finding is one line: `ok`, `warn` or `FAIL`, a subject, the finding and, after an arrow, the
next step; `--json` prints them as one object. The exit status is 1 after a `FAIL` or for settings
that would stop the start; else 0. `--offline` checks the settings only.
"""
