import { fileURLToPath } from "node:url";
import { type UserConfig, defineConfig, mergeConfig } from "vite";
import { release } from "./build/release";
import { leanTables } from "./build/schemas";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** What every build of the app has in common: also those of parts of it, for tests. */
export const base: UserConfig = {
  base: "./",
  plugins: [leanTables()],
  publicDir: false,
  oxc: { jsx: { runtime: "automatic", importSource: "preact", development: false } },
  css: {
    preprocessorOptions: { scss: { loadPaths: [here("..")], quietDeps: true } },
  },
  build: {
    target: ["chrome120", "safari17", "firefox121"],
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    cssCodeSplit: false,
    rolldownOptions: {
      output: {
        entryFileNames: (chunk) => (chunk.name === "sw" ? "sw.js" : "assets/[name]-[hash].js"),
        chunkFileNames: "assets/[name]-[hash].js",
        assetFileNames: "assets/[name]-[hash][extname]",
      },
    },
  },
  worker: { format: "es" },
};

export default defineConfig(
  mergeConfig(base, {
    root: here("."),
    plugins: [release(here("static"))],
    build: {
      outDir: here("dist"),
      rolldownOptions: { input: { index: here("index.html"), sw: here("src/sw.ts") } },
    },
  }),
);
