/**
 * The content security policy: one text, for the page itself and for whoever serves it.
 *
 * Only files of this origin run, and none of what is in the page. `wasm-unsafe-eval` lets Argon2id be compiled, and nothing
 * else be evaluated. Strings become script addresses only through the one policy of src/platform/trusted.ts.
 */

/** The name of the one Trusted Types policy. It stands in the page, so it says nothing about what the app is. */
export const TRUSTED_POLICY = "notes";

const DIRECTIVES: Readonly<Record<string, readonly string[]>> = {
  "default-src": ["'none'"],
  "script-src": ["'self'", "'wasm-unsafe-eval'"],
  "style-src": ["'self'"],
  "img-src": ["'self'", "blob:"],
  "connect-src": ["'self'"],
  "worker-src": ["'self'"],
  "manifest-src": ["'self'"],
  "base-uri": ["'none'"],
  "form-action": ["'none'"],
  "require-trusted-types-for": ["'script'"],
  "trusted-types": [TRUSTED_POLICY],
};

const join = (directives: Readonly<Record<string, readonly string[]>>): string =>
  Object.entries(directives)
    .map(([name, sources]) => [name, ...sources].join(" "))
    .join("; ");

/** What stands in the page. A browser ignores `frame-ancestors` there, so the header below repeats all of it with that. */
export const PAGE_POLICY = join(DIRECTIVES);

/** Headers for every file of the app. */
export const HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy": join({ ...DIRECTIVES, "frame-ancestors": ["'none'"] }),
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "permissions-policy": "camera=(self), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};
