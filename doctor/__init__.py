"""The doctor: one run before going live, a line a finding, and never the key.

`python -m doctor` reads the settings as the proxy would, asks Videsk at most ten times (GET alone:
it books nothing), looks at Redis, at CORS and at the referrers' pages. It is a tool beside the
proxy, which knows nothing of it. Nothing that Videsk or Redis says is printed as it came: the
findings tell it in words of their own.

A line is `ok`, `warn` or `FAIL`, a subject, what was found and, after an arrow, what to do next.
The exit status is 1 after any `FAIL` and after settings that would stop the start; else 0.
"""
