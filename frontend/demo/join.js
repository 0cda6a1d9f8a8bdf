// What the e-mailed link "join" opens. Videsk answers from 5 minutes before the start until the end,
// and with the same refusal before that as after a move: so both are mentioned.

import { rowsOf } from "./booked.js";
import { button, el } from "./dom.js";
import { facts, makeFlow } from "./flow.js";
import { t } from "./language.js";
import { fill } from "./error_notice.js";

/**
 * @param {import("./videsk-proxy-client/index.js").VideskProxy} videsk
 * @param {string} token
 */
export function startJoining(videsk, token) {
  return makeFlow({
    first: "join",
    allowed: () => "join",
    steps: {
      join: (signal) => {
        const place = el("div");
        const look = () =>
          fill(place, signal, read, (appointment) => place.replaceChildren(...draw(appointment, look)));
        const read = () =>
          videsk.appointment(token, { signal }).catch((error) => {
            if (error.status === 401) return undefined;
            throw error;
          });
        look();
        return { title: t.join.title, body: [place] };
      },
    },
  });
}

/** @param {any} appointment @param {() => void} look */
function draw(appointment, look) {
  if (!appointment) {
    return [
      el(
        "div",
        { class: "notice", role: "status" },
        el("p", {}, el("strong", {}, t.join.early)),
        el("p", {}, t.join.earlyText),
      ),
      el("p", { class: "actions" }, button(t.join.checkAgain, look, { class: "second" })),
    ];
  }
  const { service, user: agent, startAt, endAt } = appointment;
  return [
    el("p", { class: "notice good", role: "status" }, t.join.open),
    el("div", { class: "card" }, facts(rowsOf({ service, agent, startAt, endAt }))),
  ];
}
