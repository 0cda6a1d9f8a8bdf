/*
 * A captcha provider's script as a page sees it: Turnstile's, hCaptcha's or reCAPTCHA's `api.js`, for explicit
 * rendering. It shows a frame of the provider's own origin, whose checkbox solves the challenge. It is as strict
 * as the originals: it throws where they throw, refuses a shadow root, and its tokens are of one use.
 *
 * `window.captchaStandIn` of the page is how a test sets it up and looks into it.
 */
(() => {
  const script = document.currentScript;
  const url = new URL(script.src);
  const [provider, global] = {
    "challenges.cloudflare.com": ["turnstile", "turnstile"],
    "js.hcaptcha.com": ["hcaptcha", "hcaptcha"],
    "www.google.com": ["recaptcha", "grecaptcha"],
  }[url.hostname];
  const test = (window.captchaStandIn ??= {});
  Object.assign(test, { rendered: [], tokens: [], resets: 0, loads: (test.loads ?? 0) + 1 });
  const widgets = new Map();

  function widgetOf(id) {
    const widget = widgets.get(id ?? [...widgets.keys()][0]);
    if (!widget) throw new Error(`${provider}: no widget ${id}`);
    return widget;
  }

  function solve(widget) {
    widget.token = test.token ?? `${provider}-${test.tokens.length}-${crypto.randomUUID()}`;
    test.tokens.push(widget.token);
    widget.popup?.remove();
    widget.params.callback(widget.token);
  }

  function challenge(widget) {
    widget.token = undefined;
    widget.frame?.remove();
    widget.popup?.remove();
    widget.frame = makeFrame(widget.container, "checkbox");
    if (widget.params.size === "compact") Object.assign(widget.frame, { width: 164, height: 140 });
    // Turnstile passes most visitors without a click.
    if (provider === "turnstile" && !test.interactive) setTimeout(() => solve(widget), 50);
  }

  function makeFrame(parent, kind) {
    const frame = document.createElement("iframe");
    frame.src = new URL(kind, url).href;
    frame.title = `${provider} ${kind}`;
    frame.width = 300;
    frame.height = 74;
    frame.style.border = "0"; // by CSSOM, which no policy refuses
    if (kind === "pictures") Object.assign(frame.style, { position: "fixed", top: "40%", left: "10px", zIndex: 2000000000 });
    parent.append(frame);
    return frame;
  }

  addEventListener("message", ({ origin, source }) => {
    if (origin !== `https://${url.hostname}`) return;
    for (const widget of widgets.values()) {
      if (source === widget.popup?.contentWindow) solve(widget);
      if (source !== widget.frame.contentWindow) continue;
      if (test.pictures) widget.popup = makeFrame(document.body, "pictures");
      else solve(widget);
    }
  });

  const api = {
    render(container, params) {
      if (!document.contains(container)) throw new Error(`${provider}: the container is not in the document`);
      if (container.childElementCount) throw new Error(`${provider} has already been rendered in this element`);
      if (typeof params.sitekey !== "string") throw new Error(`${provider}: no sitekey`);
      const id = provider === "recaptcha" ? widgets.size : `widget-${widgets.size}`;
      const { callback, ...plain } = params;
      test.rendered.push(JSON.parse(JSON.stringify(plain)));
      widgets.set(id, { container, params });
      challenge(widgets.get(id));
      return id;
    },
    reset(id) {
      test.resets += 1;
      challenge(widgetOf(id));
    },
    getResponse: (id) => widgetOf(id).token,
    ...(provider !== "recaptcha" && {
      remove(id) {
        widgetOf(id).frame.remove();
        widgets.delete(id);
      },
    }),
  };

  /** The token has expired; Turnstile gets a new one, the others let the visitor do it. */
  test.expire = () => {
    for (const widget of widgets.values()) {
      widget.params["expired-callback"]();
      challenge(widget);
    }
  };
  test.fail = () => [...widgets.values()].forEach((widget) => widget.params["error-callback"]("110200"));

  if (url.searchParams.get("render") !== "explicit") throw new Error(`${provider}: this page renders it itself`);
  window[global] = {}; // reCAPTCHA's is there before it is ready
  setTimeout(() => {
    window[global] = api;
    window[url.searchParams.get("onload")]();
  }, 50);
})();
