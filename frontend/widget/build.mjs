/** Build dist/ from src/: `node build.mjs [dist]`. The entry has a stable name, and each chunk one with a hash of its content. */

import { readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const FOLDER = fileURLToPath(new URL(".", import.meta.url));
const { build, transform } = createRequire(new URL("../client/package.json", import.meta.url))("esbuild");
const outdir = process.argv[2] ?? join(FOLDER, "dist");

/** Properties of the widget alone, of no object that it shares with the browser, the page or the proxy: they get short names. */
const PRIVATE = /^(allowed|announce|around|byId|conventions|dayOf|dayOfWeek|doubted|hourOf|inputs|isAt|isSending|loadMore|mayBeBooked|mayChangeZone|mayHaveHappened|onShow|picksOnly|prefetch|redraw|refusals|report|setHour|soonestLoading|submitButton|submitText|useZone|write[A-Z]\w+)$/;

/** A style sheet becomes the text of one, for constructed style sheets. */
const styleSheets = {
  name: "style sheets",
  setup: ({ onLoad }) =>
    onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await transform(await readFile(path, "utf8"), { loader: "css", minify: true });
      return { contents: code.trim(), loader: "text" };
    }),
};

await rm(outdir, { recursive: true, force: true });
await build({
  absWorkingDir: FOLDER,
  entryPoints: ["src/videsk-booking.ts"],
  outdir,
  chunkNames: "[name]-[hash]",
  bundle: true,
  splitting: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  minify: true,
  mangleProps: PRIVATE,
  sourcemap: true,
  plugins: [styleSheets],
});
