/** The captcha of the form: the provider's own widget, and its tokens. Loaded only where a booking needs one. */

import "./element.js"; // what it shares with the element stays in one file
import type { Context } from "./context.js";
import { button, el, fill } from "./dom.js";

/** What a form names: the provider and the address of its script in one text, as forms may lack either, and the site's key. */
export interface CaptchaKey {
  provider: string;
  siteKey: string;
}

export interface Captcha {
  /** Draw the place of the provider's widget, which gets a new challenge if its token is spent. */
  draw(): HTMLElement;
  /** Undefined until the challenge is solved, and when the token has expired or is spent. */
  token(): string | undefined;
  /** The token was sent: providers confirm each a single time. */
  spend(): void;
  /** Announce that the challenge has to be solved. */
  request(): void;
}

/** The scripts, and the names of their APIs, all with the methods of reCAPTCHA. */
const PROVIDERS: Record<string, [script: (language: string) => string, api: string]> = {
  // https://developers.cloudflare.com/turnstile/get-started/client-side-rendering/
  turnstile: [() => "https://challenges.cloudflare.com/turnstile/v0/api.js?", "turnstile"],
  // https://docs.hcaptcha.com/configuration
  hcaptcha: [(language) => `https://js.hcaptcha.com/1/api.js?recaptchacompat=off&hl=${language}&`, "hcaptcha"],
  // https://developers.google.com/recaptcha/docs/display
  recaptcha: [(language) => `https://www.google.com/recaptcha/api.js?hl=${language}&`, "grecaptcha"],
};

/** If the steps are narrower, in pixels, the normal size of 304 has no space within them. */
const NORMAL_WIDTH = 332;

const page = window as any;
const policy = page.trustedTypes?.createPolicy("videsk-booking", { createScriptURL: (url: string) => url });
const loading: Record<string, Promise<any> | undefined> = {};

/** Load the provider's script, once for the page. Returns its API. */
function loadApi(provider: string, language: string): Promise<any> {
  const [script, name] = PROVIDERS[provider]!;
  return (loading[name] ??= new Promise((resolve, reject) => {
    if (page[name]?.render) return resolve(page[name]); // the page itself has loaded it
    const onload = `videsk_${name}`;
    page[onload] = () => resolve(page[name]);
    const url = `${script(language)}render=explicit&onload=${onload}`;
    const element = el("script", {
      onerror: () => {
        element.remove();
        loading[name] = undefined;
        reject(new Error(`${url} could not be loaded`));
      },
    });
    element.src = policy?.createScriptURL(url) ?? url;
    document.head.append(element);
  }));
}

/** Make the captcha of an element. `solved`: there is a new token. */
export function makeCaptcha(ctx: Context, { provider: named, siteKey }: CaptchaKey, solved: () => void): Captcha {
  const { frame, signal } = ctx;
  const provider = Object.keys(PROVIDERS).find((name) => named.toLowerCase().includes(name))!;
  const root = frame.getRootNode() as ShadowRoot;
  /** A child of the element itself, because reCAPTCHA does not work in a shadow root. It is never moved, which would reload its frame. */
  const box = el("div", { slot: "captcha" });
  const complaint = el("p", { class: "complaint", role: "alert", part: "error" });
  let token: string | undefined;
  let isSpent = false;
  let isStarted = false;
  let api: any;
  let id: unknown;

  root.host.append(box);
  signal.addEventListener("abort", () => {
    api?.remove?.(id);
    box.remove();
  });

  async function render(): Promise<void> {
    fill(complaint);
    const language = frame.lang.slice(0, 2);
    try {
      api = await loadApi(provider, language);
      if (signal.aborted) return;
      if (provider !== "turnstile") leaveTopLayer(root);
      id = api.render(box, {
        sitekey: siteKey,
        theme: isDark(frame) ? "dark" : "light",
        size: ctx.byId("step").clientWidth < NORMAL_WIDTH ? "compact" : "normal",
        language,
        "response-field": false,
        callback: (its: string) => {
          token = its;
          fill(complaint);
          solved();
        },
        "expired-callback": () => (token = undefined),
        "error-callback": () => {
          token = undefined;
          fill(complaint, ctx.t.details.captchaFailed);
          return true; // handled: Turnstile throws it otherwise
        },
      });
    } catch (error) {
      if (signal.aborted) return;
      ctx.report(error);
      fill(complaint, ctx.t.details.captchaFailed, " ", button(ctx.t.tryAgain, render, { class: "link" }));
    }
  }

  return {
    draw() {
      if (!isStarted) void render();
      isStarted = true;
      if (isSpent) api.reset(id);
      isSpent = false;
      return el("div", { class: "field", role: "group", "aria-label": ctx.t.details.captcha }, el("slot", { name: "captcha" }), complaint);
    },
    token: () => token,
    spend() {
      token = undefined;
      isSpent = true;
    },
    request: () => fill(complaint, ctx.t.details.captchaMissing),
  };
}

/** A challenge with pictures opens over the page, below any modal dialog. So the dialog becomes a part of the page. */
function leaveTopLayer(root: ShadowRoot): void {
  const dialog = root.querySelector<HTMLDialogElement>("dialog.outer:modal");
  if (!dialog) return;
  const { activeElement } = root;
  const { scrollTop } = dialog;
  dialog.close();
  dialog.show();
  dialog.scrollTop = scrollTop;
  (activeElement as HTMLElement | null)?.focus({ preventScroll: true });
}

function isDark(element: Element): boolean {
  const scheme = getComputedStyle(element).colorScheme;
  return scheme.includes("dark") && (scheme === "dark" || matchMedia("(prefers-color-scheme: dark)").matches);
}
