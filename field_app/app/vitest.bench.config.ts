import { defineConfig } from "vitest/config";

/** Figures, and no tests: `npm run bench -w app`. */
export default defineConfig({
  test: { include: ["bench/**/*.bench.ts"], globalSetup: ["test/release/build.ts"], fileParallelism: false, testTimeout: 600_000, hookTimeout: 300_000, disableConsoleIntercept: true },
});
