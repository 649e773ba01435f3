import { defineConfig } from "vitest/config";

export default defineConfig({ test: { include: ["pictures/make.ts"], globalSetup: ["test/release/build.ts"], fileParallelism: false } });
