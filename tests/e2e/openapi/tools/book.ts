/** Books an hour with the generated client and prints the booking: `node book.js BASE_URL USER DAY TIMEZONE`. */

import { bookByUser, listServices, listUserHours } from "./client/index.js";
import { client } from "./client/client.gen.js";

declare const process: { argv: string[] };

const [baseUrl, id, date, timezone] = process.argv.slice(2) as [string, string, string, string];
client.setConfig({ baseUrl });

const throwOnError = true;
const { data: services } = await listServices({ throwOnError });
const service = services.find(({ users }) => users.some((user) => user.id === id))!;
const { data: hours } = await listUserHours({ path: { id }, query: { date, timezone }, throwOnError });
const { data: booking } = await bookByUser({
  path: { id },
  headers: { "Idempotency-Key": crypto.randomUUID() },
  body: {
    service: service.id,
    startAt: hours[0]!,
    timezone,
    form: [
      { _id: "videsk_essential", value: "" },
      { _id: "60dbe3416af0be33b8b372b1", value: "Ana Pérez" },
      { _id: "60dbe3416af0be33b8b372b2", value: "ana@example.com" },
    ],
  },
  throwOnError,
});
console.log(booking.startAt);
