/** What a reload finds of a booking whose response never came: sent again with the same key, it is made once. */

import { isOutcomeUnknown, makeDecision } from "../../client/src/idempotency.js";
import { storeAttempt } from "./attempt.js";
import type { Attempt } from "./attempt.js";
import { drawBooked, keep, rowsOf } from "./booked.js";
import type { Captcha, CaptchaKey } from "./captcha.js";
import type { Context } from "./context.js";
import { el } from "./dom.js";
import { drawErrorNotice, INTERRUPTED, isAboutToken } from "./error_notice.js";
import { facts, makeFlow, showProgress, showSummary } from "./flow.js";
import type { Flow, Step } from "./flow.js";

export function resumeBooking(ctx: Context, attempt: Attempt): Flow {
  const { kind, target, booking, about } = attempt;
  let { decision } = attempt;
  let problem: unknown = INTERRUPTED;
  let isSending = false;
  /** Shown if the token of the attempt was refused: then nothing is booked, and a new one books. */
  let captcha: Captcha | undefined;
  let done: (() => Step) | undefined;

  const flow = makeFlow(ctx, {
    first: "resume",
    allowed: () => (done ? "booked" : "resume"),
    around(step, go) {
      showProgress(ctx, [], step, go);
      showSummary(ctx, []);
    },
    steps: {
      resume: () => ({
        title: ctx.t.details.submit,
        body: [
          el("div", { class: "card", part: "card" }, facts(rowsOf(ctx, { ...about, startAt: booking.startAt }))),
          !isSending && captcha?.draw(),
          isSending
            ? el("p", { class: "hint", role: "status" }, ctx.t.details.sending)
            : !captcha && drawErrorNotice(ctx, problem, { again: isOutcomeUnknown(problem) ? send : startAgain, anew: startAgain }),
        ],
        onShow: ctx.ready,
      }),
      booked: () => done!(),
    },
  });
  return flow;

  function startAgain(): void {
    storeAttempt(ctx.id, null);
    ctx.restart();
  }

  async function send(): Promise<void> {
    if (isSending) return;
    isSending = true;
    flow.redraw();
    try {
      const made = await ctx.videsk!.book(kind as "users", target, booking, { idempotencyKey: decision.idempotencyKey });
      storeAttempt(ctx.id, null);
      const known = keep(made, about);
      done = () => drawBooked(ctx, ctx.t.booked.title, made, known);
      flow.end("booked");
      ctx.emit("videsk-booked", { booking: made });
    } catch (error) {
      isSending = false;
      problem = error;
      if (!isOutcomeUnknown(error)) storeAttempt(ctx.id, null);
      ctx.report(error);
      const isRefused = !captcha && isAboutToken(error) && attempt.captcha;
      captcha = isRefused ? await showCaptcha(isRefused) : undefined;
      flow.redraw();
      captcha?.request();
    }
  }

  async function showCaptcha(key: CaptchaKey): Promise<Captcha | undefined> {
    try {
      const { makeCaptcha } = await import("./captcha.js");
      const made = makeCaptcha(ctx, key, () => {
        booking.token = made.token()!;
        decision = makeDecision(booking);
        storeAttempt(ctx.id, { ...attempt, booking, decision, sentAt: Date.now() });
        void send();
      });
      return made;
    } catch (error) {
      return void ctx.report(error);
    }
  }
}
