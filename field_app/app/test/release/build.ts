/** Once before these tests: the app as it is shipped. */
import { fileURLToPath } from "node:url";
import { build } from "vite";

export async function setup(): Promise<void> {
  process.env["NODE_ENV"] = "production"; // the test runner says "test", and then another app would be built
  await build({ configFile: fileURLToPath(new URL("../../vite.config.ts", import.meta.url)), logLevel: "error" });
}
