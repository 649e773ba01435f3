/** Once before the tests: the app as it is shipped, and the pages that tests open. */
import { fileURLToPath } from "node:url";
import { build } from "vite";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export async function setup(): Promise<void> {
  process.env["NODE_ENV"] = "production"; // the test runner says "test", and then another app would be built
  await build({ configFile: here("../../vite.config.ts"), logLevel: "error" });
  await build({ configFile: here("../../vite.test.config.ts"), logLevel: "error" });
}
