/**
 * Bundles a recipe of README.md for a browser: `node bundle.mjs recipe.tsx bundle.js`. React's or Vue's component
 * is mounted as the page's only one; `window.show(props)` gives it other properties.
 */

import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";
import { compileScript, parse } from "vue/compiler-sfc";

const CLIENT = dirname(dirname(fileURLToPath(import.meta.url)));
const MOUNTS = {
  tsx: `
    import { createElement } from "react";
    import { createRoot } from "react-dom/client";
    import { Hours } from "recipe";
    const root = createRoot(document.getElementById("page")!);
    window.show = (props) => root.render(createElement(Hours, props));`,
  vue: `
    import { createApp, h, shallowRef } from "vue";
    import Hours from "recipe";
    const props = shallowRef();
    createApp(() => props.value && h(Hours, props.value)).mount("#page");
    window.show = (given) => (props.value = given);`,
};

const [recipe, outfile] = process.argv.slice(2);
const kind = recipe.endsWith(".vue") ? "vue" : "tsx";
await build({
  stdin: { contents: MOUNTS[kind], loader: "ts", resolveDir: CLIENT },
  outfile,
  bundle: true,
  format: "esm",
  jsx: "automatic",
  define: { "process.env.NODE_ENV": '"production"', __VUE_OPTIONS_API__: "false", __VUE_PROD_DEVTOOLS__: "false" },
  plugins: [{ name: "recipe", setup: resolveRecipe }],
});

function resolveRecipe({ onResolve, onLoad }) {
  onResolve({ filter: /^recipe$/ }, () => ({ path: recipe, namespace: "recipe" }));
  onLoad({ filter: /.*/, namespace: "recipe" }, async () => {
    const text = await readFile(recipe, "utf8");
    const { descriptor } = parse(text);
    const contents = kind === "vue" ? compileScript(descriptor, { id: "recipe", inlineTemplate: true }).content : text;
    return { contents, loader: kind === "vue" ? "ts" : "tsx", resolveDir: CLIENT };
  });
}
