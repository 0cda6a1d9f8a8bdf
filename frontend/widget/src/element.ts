/** `<videsk-booking>`: books, moves and cancels appointments through videsk-proxy. */

import { loadAttempt } from "./attempt.js";
import { ATTRIBUTES, DRAWING, prefilled, reflectAttributes, upgradeProperties } from "./attributes.js";
import type { Attribute } from "./attributes.js";
import { startBooking } from "./booking.js";
import { Clock } from "./clock.js";
import type { Context, Events, More } from "./context.js";
import { fill, styleSheet } from "./dom.js";
import { replaceEntry } from "./flow.js";
import type { Flow } from "./flow.js";
import { drawFrame, drawLanguages } from "./frame.js";
import { chooseConventions, chooseLanguage, isRightToLeft, loadLaterTexts, loadTexts, merge, plural } from "./language.js";
import type { SomeTexts, Texts } from "./language.js";
import { notice } from "./load.js";
import { save } from "./storage.js";
import { makeReads } from "./reading.js";
import type { Failed } from "./reading.js";
import css from "./style.css";
import { takeTicket } from "./ticket.js";

const TAG = "videsk-booking";

/** The proxy that this script comes from, without `widget/v1/`. Vite takes `new URL(…, import.meta.url)` for a file of the bundle. */
const { url } = import.meta;
const OWN_PROXY = new URL("../..", url).href;

const sheet = styleSheet(css);

export class VideskBooking extends HTMLElement {
  static readonly formAssociated = true;
  static readonly observedAttributes = ATTRIBUTES;

  readonly #internals = this.attachInternals();
  readonly #root = this.attachShadow({ mode: "open" });
  #controller = new AbortController();
  #ctx: Context | undefined;
  #flow: Flow | undefined;
  #texts: SomeTexts = {};
  #value: string | null = null;
  /** Chosen by the visitor. */
  #zone: string | undefined;
  #isQueued = false;

  connectedCallback(): void {
    upgradeProperties(this);
    this.reload();
  }

  disconnectedCallback(): void {
    this.#controller.abort();
  }

  attributeChangedCallback(name: Attribute, before: string | null, value: string | null): void {
    // React sets properties whose value is an object again each time it renders.
    if (before === value || name === "theme" || name === "name") return;
    if (this.#flow && (DRAWING as readonly string[]).includes(name)) this.#redraw();
    else this.reload();
  }

  /** When the surrounding form is reset. */
  formResetCallback(): void {
    this.#setHour(null);
    this.reload();
  }

  /** Show the dialog of `mode="dialog"`. */
  open(): void {
    const dialog = this.#dialog();
    if (dialog && !dialog.open) dialog.showModal();
  }

  /** Close the dialog. What has been entered is kept. */
  close(): void {
    this.#dialog()?.close();
  }

  /** Start again, with the current attributes. */
  reload(): void {
    if (this.#isQueued) return;
    this.#isQueued = true;
    queueMicrotask(() => {
      this.#isQueued = false;
      if (this.isConnected) void this.#start();
    });
  }

  /** The chosen hour, where the element is a control of a form. */
  get value(): string | null {
    return this.#value;
  }

  get form(): HTMLFormElement | null {
    return this.#internals.form;
  }

  /** Texts instead of those that are built in, for another language or other words. */
  get texts(): SomeTexts {
    return this.#texts;
  }

  set texts(texts: SomeTexts) {
    this.#texts = texts;
    if (this.#flow) this.#redraw();
  }

  #dialog(): HTMLDialogElement | null {
    return this.#root.querySelector("dialog.outer");
  }

  async #start(): Promise<void> {
    this.#controller.abort();
    this.#controller = new AbortController();
    this.#flow = undefined;
    const wasOpen = this.#dialog()?.open;
    this.#root.adoptedStyleSheets = [sheet];
    const frame = drawFrame(this.#root, this.getAttribute("mode"), () => this.close());
    const ctx = (this.#ctx = this.#makeContext(frame));
    const ticket = takeTicket(ctx.id);
    if (wasOpen || ticket) this.open();
    if (!ticket) ctx.prefetch();
    try {
      await this.#localize(ctx);
      if (ctx.signal.aborted) return;
      const flow = ticket ? await follow(ctx, ticket.action, ticket.token) : await book(ctx);
      if (!ctx.signal.aborted) this.#flow = flow;
      ctx.byId("step").removeAttribute("aria-busy");
    } catch (error) {
      if (ctx.signal.aborted) return;
      ctx.report(error);
      fill(ctx.byId("step"), await notice(ctx, error, () => this.reload()));
    }
  }

  #makeContext(frame: HTMLElement): Context {
    const attribute = (name: Attribute) => this.getAttribute(name);
    const index = [...document.querySelectorAll<Element>(TAG)].indexOf(this);
    const ctx: Context = {
      proxy: (attribute("proxy") ?? OWN_PROXY).replace(/\/+$/, ""),
      frame,
      options: {
        service: attribute("service"),
        user: attribute("user"),
        segment: attribute("segment"),
        referrer: attribute("referrer"),
        siteKey: attribute("captcha-site-key"),
        prefill: prefilled(this),
      },
      id: `${TAG}-${Math.max(0, index)}`,
      signal: this.#controller.signal,
      picksOnly: this.#internals.form !== null,
      mayChangeZone: !this.hasAttribute("timezone"),
      t: {} as Texts,
      clock: undefined as unknown as Clock,
      byId: (id) => frame.querySelector(`#${id}`)!,
      count: (forms, count, values) => plural(ctx.clock.conventions.locale, forms, count, values),
      announce: (text) => void (ctx.byId("announcement").textContent = text),
      emit: (name, detail) => this.#emit(name, detail),
      report: (error: any) => this.#emit("videsk-error", { error, status: error?.status ?? 0, outcomeUnknown: Boolean(error?.outcomeUnknown) }),
      ready: () => {
        ctx.ready = () => {};
        this.#emit("videsk-ready", {});
      },
      setHour: (startAt) => this.#setHour(startAt),
      useZone: (zone) => {
        this.#zone = zone;
        this.#redraw();
      },
      prefetch: () => reads.prefetch(),
      services: (signal) => reads.services(signal),
      dates: (target, month, signal) => reads.dates(target, month, signal),
      loadMore: () => (loading ??= loadMore().finally(() => (loading = undefined))),
      restart: () => {
        replaceEntry(ctx.id, {});
        this.reload();
      },
    };
    const failed: Failed = new Map();
    let loading: Promise<More> | undefined;
    const loadMore = async (): Promise<More> => {
      const [more, texts] = await Promise.all([import("./more.js"), loadLaterTexts(this.#language())]);
      if (!ctx.more) {
        ctx.t = merge(texts, ctx.t);
        ctx.videsk = more.makeClient(ctx, failed);
        ctx.more = more;
        this.#root.adoptedStyleSheets = [sheet, more.sheet];
        more.removeExpired();
      }
      return more;
    };
    const reads = makeReads(ctx, failed);
    return ctx;
  }

  #language(): string {
    return chooseLanguage(this.getAttribute("locale"));
  }

  /** Give the context its texts and conventions. */
  async #localize(ctx: Context): Promise<void> {
    const locale = this.getAttribute("locale");
    const language = this.#language();
    const texts = await Promise.all([loadTexts(language), ctx.more !== undefined && loadLaterTexts(language)]);
    ctx.t = merge(...texts, this.#texts);
    ctx.clock = new Clock(
      chooseConventions(language, {
        locale,
        hasOwnTexts: Object.keys(this.#texts).length > 0,
        firstDay: this.getAttribute("first-day"),
        hourCycle: this.getAttribute("hour-cycle"),
        zone: this.#zone ?? this.getAttribute("timezone") ?? Intl.DateTimeFormat().resolvedOptions().timeZone ?? "UTC",
      }),
    );
    ctx.frame.lang = ctx.clock.conventions.locale;
    ctx.frame.dir = isRightToLeft(ctx.frame.lang) ? "rtl" : "ltr";
    this.#root.querySelector("#close")?.setAttribute("aria-label", ctx.t.close);
    const languages = ctx.byId("languages");
    if (locale === null) drawLanguages(languages, ctx.t, language, (chosen) => this.#choose(chosen));
    else fill(languages);
  }

  #choose(language: string): void {
    save("language", language);
    this.#redraw();
  }

  async #redraw(): Promise<void> {
    const ctx = this.#ctx!;
    try {
      await this.#localize(ctx);
      if (!ctx.signal.aborted) this.#flow?.redraw();
    } catch (error) {
      ctx.report(error); // the texts could not be loaded: those on screen remain
    }
  }

  #setHour(startAt: string | null): void {
    this.#value = startAt;
    this.#internals.setFormValue(startAt);
  }

  #emit<Name extends keyof Events>(type: Name, detail: Events[Name]): boolean {
    const cancelable = type === "videsk-booking-submitted";
    // The first event means that something is shown, or that it failed.
    this.#ctx?.frame.classList.add("ready");
    return this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true, cancelable }));
  }
}

/** Start a booking, or resume the one that a reload interrupted. */
async function book(ctx: Context): Promise<Flow> {
  const attempt = loadAttempt(ctx.id);
  if (!attempt) return startBooking(ctx);
  return (await ctx.loadMore()).resumeBooking(ctx, attempt);
}

/** Start what an e-mailed link requests. */
async function follow(ctx: Context, action: string, token: string): Promise<Flow> {
  if (action === "modify") return (await ctx.loadMore()).startModifying(ctx, token);
  if (action === "join") return (await ctx.loadMore()).startJoining(ctx, token);
  return startBooking(ctx);
}

reflectAttributes(VideskBooking.prototype);
if (!customElements.get(TAG)) customElements.define(TAG, VideskBooking);
