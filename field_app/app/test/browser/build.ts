/** Once before these tests: the pages that they open, which are parts of the app. */
import { fileURLToPath } from "node:url";
import { build } from "vite";

export async function setup(): Promise<void> {
  process.env["NODE_ENV"] = "production"; // the test runner says "test", and then other code would be built
  await build({ configFile: fileURLToPath(new URL("../../vite.test.config.ts", import.meta.url)), logLevel: "error" });
}
