/**
 * What the e-mailed link "join" opens. Videsk answers from 5 minutes before the start until the end,
 * and with the same refusal before that as after a move: so both are mentioned.
 */

import type { Appointment } from "../../client/src/index.js";
import { rowsOf } from "./booked.js";
import type { Context } from "./context.js";
import { button, el, fill } from "./dom.js";
import type { Child } from "./dom.js";
import { facts, makeFlow } from "./flow.js";
import type { Flow } from "./flow.js";
import { load } from "./load.js";

export function startJoining(ctx: Context, token: string): Flow {
  return makeFlow(ctx, {
    first: "join",
    allowed: () => "join",
    steps: {
      join: (signal) => {
        const place = el("div");
        const read = () =>
          ctx.videsk!.appointment(token, { signal }).catch((error) => {
            if (error.status === 401) return undefined;
            throw error;
          });
        const look = () => void load(ctx, place, signal, read, (appointment) => fill(place, draw(ctx, appointment, look)));
        look();
        return { title: ctx.t.join.title, body: [place] };
      },
    },
  });
}

function draw(ctx: Context, appointment: Appointment | undefined, look: () => void): Child[] {
  const { t } = ctx;
  if (!appointment) {
    return [
      el("div", { class: "notice", role: "status" }, el("p", {}, el("strong", {}, t.join.early)), el("p", {}, t.join.earlyText)),
      el("p", { class: "actions" }, button(t.join.checkAgain, look, { class: "second", part: "button" })),
    ];
  }
  const { service, user: agent, startAt, endAt } = appointment;
  return [
    el("p", { class: "notice good", role: "status" }, t.join.open),
    el("div", { class: "card", part: "card" }, facts(rowsOf(ctx, { service, agent, startAt, endAt }))),
  ];
}
