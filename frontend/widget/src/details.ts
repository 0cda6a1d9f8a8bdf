/** The form, and the booking that it sends. */

import { VideskProxyError } from "../../client/src/errors.js";
import { isOutcomeUnknown, makeDecision } from "../../client/src/idempotency.js";
import type { BookingByUser, Decision } from "../../client/src/index.js";
import type { Call } from "../../client/src/videsk_proxy.js";
import { storeAttempt } from "./attempt.js";
import { drawBooked, keep } from "./booked.js";
import type { Choice } from "./booking.js";
import type { Captcha, CaptchaKey } from "./captcha.js";
import { target } from "./choice_lists.js";
import type { Context } from "./context.js";
import { button, el, fill } from "./dom.js";
import { drawErrorNotice, isAboutToken, OFFLINE } from "./error_notice.js";
import type { Flow } from "./flow.js";
import { drawForm, ESSENTIAL } from "./form.js";
import type { Field, Value } from "./form.js";
import { drawTaken } from "./hours.js";
import { load } from "./load.js";
import { keepCurrent } from "./refresh.js";

export function makeDetails(ctx: Context, choice: Choice, flow: Flow) {
  /** The last one, unless it was refused, and the captcha's token that was sent with it. */
  let decision: Decision | undefined;
  let sentToken: string | undefined;
  let captcha: Captcha | undefined;
  /** The one that the form names. */
  let captchaKey: CaptchaKey | undefined;
  /** Whether the booking is sent as soon as the captcha is solved. */
  let isWaiting = false;
  let wasTokenRefused = false;
  let resubmit = () => {};
  const videsk = ctx.videsk!;

  /** Draw the form, and after a refusal what was wrong, which gets the focus. */
  async function draw(place: HTMLElement, signal: AbortSignal): Promise<void> {
    let focus = () => {};
    signal.addEventListener("abort", () => (isWaiting &&= flow.isAt("details")));
    const read = async () => (choice.fields ??= await readFields(signal));
    await load(ctx, place, signal, read, (fields) => {
      focus = showForm(place, fields, signal);
    });
    focus();
  }

  async function readFields(signal: AbortSignal): Promise<Field[]> {
    if (!ctx.options.segment) console.warn("videsk-booking: the attribute segment is missing");
    const { form, captchaRequired, ...named } = await videsk.form(ctx.options.segment ?? "", {}, { signal });
    const siteKey = ctx.options.siteKey ?? named.siteKey;
    captchaKey = siteKey ? { provider: `${named.provider} ${named.resource}`, siteKey } : undefined;
    if (captchaRequired || ctx.options.siteKey) await showCaptcha();
    const fields = (form as Field[]).filter(({ id }) => id !== ESSENTIAL);
    for (const { id, name } of fields) {
      const value = ctx.options.prefill[name] ?? ctx.options.prefill[id];
      if (value != null && !choice.values.has(id)) choice.values.set(id, value as Value);
    }
    return fields;
  }

  async function showCaptcha(): Promise<void> {
    if (!captchaKey) return;
    const { makeCaptcha } = await import("./captcha.js");
    captcha ??= makeCaptcha(ctx, captchaKey, () => isWaiting && resubmit());
  }

  function showForm(place: HTMLElement, fields: Field[], signal: AbortSignal): () => void {
    const { t } = ctx;
    const { problem, isSending, values } = choice;
    const refusals = refusedFields(problem, fields, values);
    const notice =
      problem && refusals.size === 0 ? drawErrorNotice(ctx, problem, { again: resend, anew: bookAnew }) : undefined;
    const taken = el("div");
    const { form, submitButton, focus } = drawForm(ctx, {
      fields,
      values,
      refusals,
      submit: book,
      before: [captcha?.draw(), taken, notice],
      submitText: isSending ? t.details.sending : t.details.submit,
    });
    submitButton.disabled = isSending;
    // The notice has a button of its own, which may have to wait, or to warn.
    submitButton.hidden = Boolean(notice);
    fill(place, form);
    resubmit = resend;
    if (isWaiting) captcha?.request();
    if (!isSending && !notice) keepCurrent(signal, () => check(taken, submitButton, signal));
    return () => (notice ? notice.focus() : focus());

    function resend(): void {
      form.requestSubmit();
    }
    function bookAnew(): void {
      forget();
      resend();
    }
  }

  /** The free hours of the day of the chosen one. */
  function readHours(call: Call): Promise<string[]> {
    const { clock } = ctx;
    return videsk.hours(...target(choice), { date: clock.dayOf(choice.startAt!), timezone: clock.zone }, call);
  }

  /** Reject, as Videsk would, if another customer has taken the hour since the last check. */
  async function expectFree(startAt: string): Promise<void> {
    const free = await readHours({ timeoutSeconds: 2, retries: 0 }).catch(() => undefined);
    if (ctx.signal.aborted) return;
    if (!navigator.onLine) throw OFFLINE;
    if (!Array.isArray(free) || free.includes(startAt)) return;
    // The second click of a double click must not choose one of the hours that are shown next.
    await new Promise((resolve) => setTimeout(resolve, 500));
    if (!ctx.signal.aborted) throw { status: 409, outcomeUnknown: false, free };
  }

  /** Announce it immediately if another customer takes the hour while the form is being filled in. */
  async function check(place: HTMLElement, submitButton: HTMLElement, signal: AbortSignal): Promise<void> {
    const { t } = ctx;
    const { startAt = "" } = choice;
    const free = await readHours({ signal });
    if (signal.aborted || choice.isSending) return;
    const isGone = !free.includes(startAt);
    if (isGone === submitButton.hidden) return;
    submitButton.hidden = isGone;
    const mayBeBooked = !!choice.doubted;
    const goBack = () => {
      Object.assign(choice, { startAt: undefined, taken: { startAt, free, mayBeBooked } });
      flow.go("time");
    };
    fill(place, isGone && drawTaken(ctx, { startAt, mayBeBooked }, el("p", { class: "actions" }, button(t.time.another, goBack, { class: "second" }))));
  }

  async function book(form: { _id: string; value: Value }[]): Promise<void> {
    if (choice.isSending) return;
    const [kind, id] = target(choice);
    const { service, agent, startAt = "" } = choice;
    const timezone = ctx.clock.zone;
    const about = { service, agent };
    const sent = { ...about, startAt };
    const booking = {
      startAt,
      timezone,
      form,
      ...(ctx.options.referrer && { referrer: ctx.options.referrer }),
      ...(agent && { service: service!.id }),
    } as BookingByUser;
    const next = makeDecision({ kind, id, ...booking }, decision);
    // To find out about the same attempt, exactly the same is sent again.
    const token = next === decision ? sentToken : captcha?.token();
    isWaiting = Boolean(captcha && !token);
    if (isWaiting) return captcha!.request();
    const detail = { startAt, timezone, service: service!.id, user: agent?.id, form };
    if (!ctx.emit("videsk-booking-submitted", detail)) return;
    if (!navigator.onLine) return refuse(OFFLINE, sent);
    if (token) booking.token = sentToken = token;
    const mayBeBooked = next === decision || startAt === choice.doubted;
    decision = next;
    const { idempotencyKey } = decision;
    storeAttempt(ctx.id, { decision, kind, target: id, booking, about, captcha: captchaKey, sentAt: Date.now() });
    Object.assign(choice, { isSending: true, problem: undefined });
    flow.redraw();
    ctx.announce(ctx.t.details.sending);
    let isSent = false;
    try {
      if (!mayBeBooked) await expectFree(startAt);
      if (ctx.signal.aborted) return; // the element was restarted, and offers to continue
      isSent = true;
      const made = await videsk.book(kind as "users", id, booking, { idempotencyKey });
      storeAttempt(ctx.id, null);
      const known = keep(made, about);
      choice.done = () => drawBooked(ctx, ctx.t.booked.title, made, known);
      choice.isSending = false;
      flow.end("booked");
      ctx.emit("videsk-booked", { booking: made });
    } catch (error) {
      if (isSent) captcha?.spend();
      else forget();
      await refuse(error, sent);
    }
  }

  function forget(): void {
    decision = undefined;
    storeAttempt(ctx.id, null);
  }

  /** `sent`: what the error is about. Meanwhile the customer may have gone back and chosen something else. */
  async function refuse(error: any, sent: Pick<Choice, "service" | "agent" | "startAt">): Promise<void> {
    ctx.report(error);
    const { startAt } = sent;
    if (!isOutcomeUnknown(error)) forget();
    const isFirst = !wasTokenRefused;
    wasTokenRefused = isAboutToken(error);
    // An expired token, or one that was spent before: nothing is booked, and the next one books.
    if (wasTokenRefused && isFirst) await showCaptcha().catch(ctx.report);
    isWaiting = wasTokenRefused && isFirst && captcha !== undefined;
    const isTaken = error.status === 409 || error.data === "dateInPast";
    const free = isTaken && (error.free ?? (await videsk.alternatives(error, { timeoutSeconds: 5, retries: 0 }).catch(() => undefined)));
    if (ctx.signal.aborted) return;
    Object.assign(choice, sent, { isSending: false });
    if (isTaken) {
      const taken = { startAt, free, mayBeBooked: !!choice.doubted };
      Object.assign(choice, { startAt: undefined, taken });
      flow.go("time");
      return;
    }
    choice.problem = isWaiting ? undefined : error;
    if (error.outcomeUnknown) choice.doubted = startAt;
    if (flow.isAt("details")) flow.redraw();
    else flow.go("details");
  }

  /** The fields that a 400 is about: the proxy names their place in the form sent, Videsk an id in its message. */
  function refusedFields(error: unknown, fields: Field[], values: Map<string, unknown>): Map<string, string> {
    if (!(error instanceof VideskProxyError) || error.status !== 400) return new Map();
    // As it was sent: the honeypot, then what was filled in.
    const sent = [undefined, ...fields.filter(({ id }) => values.has(id))];
    const places = Object.keys(error.errors.form ?? {}).map(Number);
    const named = fields.filter((field) => error.message.includes(field.id) || places.some((place) => sent[place] === field));
    return new Map(named.map(({ id }) => [id, ctx.t.details.refused]));
  }

  return { draw };
}
