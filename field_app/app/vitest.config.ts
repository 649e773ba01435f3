import { defineConfig } from "vitest/config";

const inBrowser = { fileParallelism: false, testTimeout: 60_000, hookTimeout: 60_000 } as const;

export default defineConfig({
  test: {
    projects: [
      { test: { name: "unit", include: ["test/unit/**/*.test.ts"] } },
      { test: { name: "browser", include: ["test/browser/**/*.test.ts"], globalSetup: ["test/browser/build.ts"], ...inBrowser } },
      { test: { name: "release", include: ["test/release/**/*.test.ts"], globalSetup: ["test/release/build.ts"], ...inBrowser } },
      { test: { name: "e2e", include: ["test/e2e/**/*.test.ts"], globalSetup: ["test/release/build.ts"], maxWorkers: 2, sequence: { groupOrder: 1 }, testTimeout: 120_000, hookTimeout: 240_000 } },
    ],
  },
});
