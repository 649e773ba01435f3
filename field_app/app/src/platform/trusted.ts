/**
 * The one Trusted Types policy: which strings may become addresses of scripts. There are two, and no string becomes markup.
 *
 * The policy's name stands in build/security.ts. A browser without Trusted Types takes the strings as they are; what else
 * the policy of the page forbids holds there all the same.
 */
import argonUrl from "../store/argon.worker?worker&url";

const allowed: ReadonlyMap<string, string> = new Map([
  ["argon", new URL(argonUrl, import.meta.url).href],
  ["service-worker", new URL("sw.js", document.baseURI).href],
]);

interface ScriptUrls {
  createScriptURL(name: string): string;
}

interface TrustedTypesFactory {
  createPolicy(name: string, rules: { createScriptURL(name: string): string }): ScriptUrls;
}

function createScriptURL(name: string): string {
  const address = allowed.get(name);
  if (address === undefined) throw new TypeError(`no script is called ${name}`);
  return address;
}

/** TypeScript's DOM types do not know Trusted Types yet. */
const factory = (globalThis as { readonly trustedTypes?: TrustedTypesFactory }).trustedTypes;

const policy: ScriptUrls = factory?.createPolicy("notes", { createScriptURL }) ?? { createScriptURL };

/** The address of a script of this app, in the form that the browser demands. */
export const scriptUrl = (name: "argon" | "service-worker"): string => policy.createScriptURL(name);
