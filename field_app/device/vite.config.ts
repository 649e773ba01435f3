import { defineConfig } from "vite";

/** One file that Node runs: everything in it, the schemas aside. */
export default defineConfig({
  build: { ssr: "node/driver.ts", outDir: "dist", target: "node20", minify: false, rolldownOptions: { output: { entryFileNames: "driver.mjs" } } },
  ssr: { noExternal: true },
});
