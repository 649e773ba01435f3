/**
 * Service worker: the app opens without a network, from one whole release.
 *
 * It holds the list of the release's files (build/release.ts). Installing fetches every file against its digest; one that
 * does not fit, and the release is not installed and the one before goes on. What is served afterwards comes out of the
 * cache and nowhere else, so that two releases are never mixed. Requests to the service (`v1/`) pass by: nothing of them is
 * kept here. A new release waits until the page says that it may take over, because somebody may be typing.
 */
declare const self: ServiceWorkerGlobalScope;
export {};

interface Release {
  readonly id: string;
  readonly files: readonly { readonly path: string; readonly digest: string }[];
}

/** The build puts the list in the place of this string. */
const LISTED: unknown = "__RELEASE__";

const release = LISTED as Release; // written by our own build, in the same file
const CACHE_PREFIX = "release-";
const cacheName = `${CACHE_PREFIX}${release.id}`;

const addressOf = (path: string): string => new URL(path, self.registration.scope).href;

async function fetchChecked(path: string, integrity: string): Promise<readonly [string, Response]> {
  const address = addressOf(path);
  const response = await fetch(address, { integrity, cache: "no-cache", credentials: "omit", redirect: "error" });
  if (!response.ok) throw new Error(`${path}: status ${response.status}`);
  return [address, response];
}

async function install(): Promise<void> {
  const fetched = await Promise.all(release.files.map((file) => fetchChecked(file.path, file.digest)));
  const cache = await caches.open(cacheName);
  await Promise.all(fetched.map(([address, response]) => cache.put(address, response)));
}

async function forgetOlder(): Promise<void> {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith(CACHE_PREFIX) && name !== cacheName).map((name) => caches.delete(name)));
}

async function serve(request: Request): Promise<Response> {
  const cache = await caches.open(cacheName);
  const address = request.mode === "navigate" ? addressOf("index.html") : request.url;
  const kept = await cache.match(address, { ignoreSearch: true });
  // A cache that the browser has emptied: the network is asked, and Subresource Integrity still judges what it says.
  return kept ?? fetch(request);
}

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(forgetOlder().then(() => self.clients.claim())));
self.addEventListener("message", (event) => {
  if (event.data === "take-over") event.waitUntil(self.skipWaiting());
});
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const ours = request.url.startsWith(self.registration.scope);
  const toService = ours && request.url.slice(self.registration.scope.length).startsWith("v1/");
  if (request.method === "GET" && ours && !toService) event.respondWith(serve(request));
});
