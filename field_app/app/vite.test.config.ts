/** Builds the pages that tests open: parts of the app on their own, under the same policy. Nothing of it is shipped. */
import { fileURLToPath } from "node:url";
import { defineConfig, mergeConfig } from "vite";
import { base } from "./vite.config";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig(
  mergeConfig(base, {
    root: here("test/pages"),
    define: { __RELEASE_KEY__: JSON.stringify("0123456789abcdef".repeat(4)) }, // no worker, and nothing to check
    build: {
      outDir: here("dist-test"),
      minify: false,
      rolldownOptions: {
        input: { store: here("test/pages/store.html"), forms: here("test/pages/forms.html"), screens: here("test/pages/screens.html") },
      },
    },
  }),
);
