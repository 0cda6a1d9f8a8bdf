"""The pages of captcha providers for a browser: their script (captcha_script.js), and its frames."""

from pathlib import Path

from playwright.sync_api import Page, Route

SCRIPT = Path(__file__).with_name("captcha_script.js")
FRAME = """<!doctype html><html lang="en"><title>Captcha</title>
<label><input type="checkbox"> I am human</label>
<script>document.querySelector("input").onclick = () => parent.postMessage("solved", "*")</script>"""
ORIGINS = {
    "turnstile": "https://challenges.cloudflare.com",
    "hcaptcha": "https://js.hcaptcha.com",
    "recaptcha": "https://www.google.com",
}


def serve_captchas(page: Page) -> None:
    """Answer the requests to the three providers."""

    def respond(route: Route) -> None:
        if "api.js" in route.request.url:
            route.fulfill(body=SCRIPT.read_text(), content_type="text/javascript")
        else:
            route.fulfill(body=FRAME, content_type="text/html")

    for origin in ORIGINS.values():
        page.route(f"{origin}/**", respond)
