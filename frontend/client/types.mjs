/**
 * Reads the OpenAPI document and writes the types of what calls send and get: `node types.mjs src/openapi.ts`.
 * Left out is what the client has no types for: headers, examples, errors, and the routes of those who run the proxy.
 */

import { writeFile } from "node:fs/promises";
import { text } from "node:stream/consumers";

import openapiTS, { astToString, COMMENT_HEADER } from "openapi-typescript";

const document = JSON.parse(await text(process.stdin));
document.components = { schemas: document.components.schemas, parameters: document.components.parameters };
for (const [path, operations] of Object.entries(document.paths)) {
  for (const operation of Object.values(operations)) {
    if (operation.tags.includes("operations")) delete document.paths[path];
    const successes = Object.entries(operation.responses).filter(([status]) => status.startsWith("2"));
    operation.responses = Object.fromEntries(successes.map(([status, { headers: _, ...answer }]) => [status, answer]));
  }
}
const withoutExamples = JSON.parse(JSON.stringify(document, (name, value) => (name === "examples" ? undefined : value)));
await writeFile(process.argv[2], COMMENT_HEADER + astToString(await openapiTS(withoutExamples)));
