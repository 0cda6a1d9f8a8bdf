/** A server between the client and the proxy, which passes on, breaks, hangs or responds on its own. */

import { once } from "node:events";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { after } from "node:test";

import { PROXY_URL } from "./setting.mjs";

/**
 * Its URL, and the requests that came, oldest first. Each play is for one request; what comes after
 * the last is passed on. It is closed after the test.
 */
export async function between(...plays) {
  const requests = [];
  const server = createServer(async (request, response) => {
    request.text = await text(request);
    requests.push(request);
    await (plays.shift() ?? passOn)(request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${server.address().port}`, requests };
}

/** A port of this machine that nothing listens on. */
export async function unreachable() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return `http://127.0.0.1:${port}`;
}

export async function passOn(request, response) {
  const answer = await ask(request);
  // Its body is decoded here.
  const { "content-length": _, "content-encoding": __, ...headers } = Object.fromEntries(answer.headers);
  response.writeHead(answer.status, headers).end(await answer.text());
}

/** The proxy does it, but its answer is lost. */
export async function loseTheAnswer(request, response) {
  await (await ask(request)).text();
  response.destroy();
}

/** The answer breaks off in its body. */
export async function breakOff(_, response) {
  response.writeHead(200, { "Content-Length": "100" }).write("[");
  setTimeout(() => response.destroy(), 20);
}

export function refuse(_, response) {
  response.destroy();
}

export function hang() {}

/** Respond on its own: `body` as JSON, or as it is where it is a string. */
export function say(status, body = "", headers = {}) {
  return (_, response) =>
    response.writeHead(status, headers).end(typeof body === "string" ? body : JSON.stringify(body));
}

function ask({ method, url, headers, text: body }) {
  const { host, connection, "content-length": _, ...others } = headers;
  return fetch(PROXY_URL + url, { method, headers: others, ...(body && { body }) });
}
