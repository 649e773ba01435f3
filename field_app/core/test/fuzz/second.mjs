/**
 * Starts second.ts as it stands in the folder, without a build that could be of yesterday. With FUZZ_PLANT, JSON of `{file, old, new}`, one text of
 * the core is another: a defect that the fuzzing has to find.
 */
import { fileURLToPath } from "node:url";
import { createServer } from "vite";

const planted = process.env["FUZZ_PLANT"] === undefined ? null : JSON.parse(process.env["FUZZ_PLANT"]);
const planting = {
  name: "planting",
  enforce: "pre",
  transform(code, id) {
    if (planted === null || !id.endsWith(planted.file)) return null;
    if (!code.includes(planted.old)) throw new Error(`${planted.file} has no such text`);
    return code.replace(planted.old, planted.new);
  },
};
const vite = await createServer({
  configFile: false,
  root: fileURLToPath(new URL("../../", import.meta.url)),
  appType: "custom",
  logLevel: "error",
  plugins: [planting],
  server: { middlewareMode: true, ws: false, watch: null, hmr: false },
  optimizeDeps: { noDiscovery: true },
});
await vite.ssrLoadModule("/test/fuzz/second.ts");
await vite.close();
