/** The schemas and code lists of shared_schema, as the build hands them over. */
import { readdirSync, readFileSync } from "node:fs";
import { readSchemas } from "../../src/schemas";

const SHARED = new URL("../../../../shared_schema/", import.meta.url);

function files(folder: string): readonly unknown[] {
  const names = readdirSync(new URL(`${folder}/`, SHARED)).filter((name) => name.endsWith(".json"));
  return names.map((name): unknown => JSON.parse(readFileSync(new URL(`${folder}/${name}`, SHARED), "utf8")));
}

export const RECORDS = files("records");
export const CODES = files("codes");
export const SCHEMAS = readSchemas(RECORDS, CODES);
