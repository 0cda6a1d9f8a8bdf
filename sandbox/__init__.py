"""The sandbox: a fake of Videsk's public calendar API, to develop and test without an account.

It keeps a schedule in memory (agents, working hours, bookings, tokens that expire) and simulates
failures. It implements Videsk's public documentation and imports nothing of the proxy, so that the
tests of the proxy do not share its errors. A comment marks behavior that is not documented.

Documentation: https://docs.videsk.io/es-developers/api-publica/calendario and its source,
https://github.com/videsk/developers-docs-es

Start        python -m sandbox [--host 127.0.0.1] [--port 9000] [--rate 20] [--proxy-port 8000]
Base URL     http://127.0.0.1:9000/public/video-contact-center/...
Booking page http://127.0.0.1:9000/demo/, which calls the proxy on --proxy-port
Keys         GET /__sandbox__/keys lists one for each kind; they are the same at every start:
             backend, rotated (a second backend key),
             public (bookings need the body field "token": "captcha-ok"),
             limited and removed (403), expired (401).
A form       [{"_id": "videsk_essential", "value": ""},
              {"_id": "60dbe3416af0be33b8b372b1", "value": "Ana Pérez"},
              {"_id": "60dbe3416af0be33b8b372b2", "value": "ana@example.com"}]; more in seed.py
An open hour service 63bdbf49394aad976d4aa4ff has a slot every five minutes, day and night.

The control routes are JSON. They are not rate-limited and not in the request log:

POST   /__sandbox__/reset         restores the initial state
GET    /__sandbox__/keys          the keys by kind
GET    /__sandbox__/requests      every Videsk request received; DELETE empties the list
GET    /__sandbox__/appointments  every appointment since the reset, with its status
POST   /__sandbox__/faults        {"fault": name, "path"?, "method"?, "times"?, "seconds"?,
                                  "after"?}; GET lists, DELETE clears; names in faults.py
POST   /__sandbox__/clock         {"offset_seconds": n} shifts the sandbox's clock
POST   /__sandbox__/rate          {"limit": n or null} requests per second; null: no limit

From Python: `sandbox.app.create_app()`. Socket faults need the server of
`sandbox.sockets.make_server`.
"""
