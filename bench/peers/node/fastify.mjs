import cors from "@fastify/cors";
import etag from "@fastify/etag";
import rateLimit from "@fastify/rate-limit";
import Fastify from "fastify";
import { LIMIT, ORIGIN, PORT, book, redis, services, times } from "./videsk.mjs";
import { inTwoWorkers } from "./workers.mjs";

inTwoWorkers(async () => {
  const app = Fastify();
  await app.register(cors, { origin: ORIGIN });
  await app.register(rateLimit, { max: LIMIT.max, timeWindow: LIMIT.windowMs, redis });
  await app.register(etag);

  app.get("/api/services", async (_request, reply) => send(reply, await services()));
  for (const kind of ["services", "users"]) {
    for (const what of ["dates", "hours"]) {
      app.get(`/api/${kind}/:id/${what}`, async (request, reply) =>
        send(reply, await times(kind, request.params.id, what, request.query)),
      );
    }
    app.post(`/api/${kind}/:id/appointments`, async (request, reply) =>
      send(reply, await book(kind, request.params.id, request.body)),
    );
  }
  await app.listen({ port: PORT, host: "127.0.0.1" });
});

function send(reply, { status, body }) {
  return reply.code(status).type("application/json; charset=utf-8").send(body);
}
