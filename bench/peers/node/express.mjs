import cors from "cors";
import express from "express";
import { rateLimit } from "express-rate-limit";
import { RedisStore } from "rate-limit-redis";
import { LIMIT, ORIGIN, PORT, book, redis, services, times } from "./videsk.mjs";
import { inTwoWorkers } from "./workers.mjs";

inTwoWorkers(() => {
  const app = express();
  const store = new RedisStore({ sendCommand: (...command) => redis.call(...command) });
  app.disable("x-powered-by");
  app.use(cors({ origin: ORIGIN }));
  app.use(rateLimit({ windowMs: LIMIT.windowMs, limit: LIMIT.max, store }));

  app.get("/api/services", async (_request, response) => send(response, await services()));
  for (const kind of ["services", "users"]) {
    for (const what of ["dates", "hours"]) {
      app.get(`/api/${kind}/:id/${what}`, async (request, response) => {
        send(response, await times(kind, request.params.id, what, request.query));
      });
    }
    app.post(`/api/${kind}/:id/appointments`, express.json(), async (request, response) => {
      send(response, await book(kind, request.params.id, request.body));
    });
  }
  app.listen(PORT, "127.0.0.1");
});

function send(response, { status, body }) {
  response.status(status).type("json").send(body);
}
