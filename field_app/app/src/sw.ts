/**
 * Service worker: the app opens without a network, from one whole release, and goes on to another only when that one is ours.
 *
 * The key of whoever builds the app is in this script. A release is its list, signed under that key, and files that fit the
 * list's digests (build/release.ts). This worker fetches and checks all of a newer release itself, and keeps it aside until
 * the page says that it may be used, because somebody may be typing. What is not signed, does not fit, or is older than what
 * is in use is refused: the release in use goes on, and the page is told. What is served comes out of one release and from
 * nowhere else. Requests to the service (`v1/`) pass by: nothing of them is kept here.
 */
import { type Kept, cacheName, readKept, writeKept } from "./worker/kept";
import { NotOurs, type Release, checkDigest, readRelease } from "./worker/release";

declare const self: ServiceWorkerGlobalScope;
/** The public key, as hexadecimal digits; the build puts it here. */
declare const __RELEASE_KEY__: string;

/** What the page is told. */
type Answer = { readonly number: number; readonly waiting: boolean; readonly refused: string | undefined };

const WORKER = "sw.js";
const addressOf = (path: string): string => new URL(path, self.registration.scope).href;

/** Raises TypeError where it cannot be reached or is not there, which says nothing about whose it is. */
async function fetched(path: string): Promise<Response> {
  const response = await fetch(addressOf(path), { cache: "no-cache", credentials: "omit", redirect: "error" });
  if (!response.ok) throw new TypeError(`${path}: status ${response.status}`);
  return response;
}

async function offered(): Promise<Release> {
  const [list, signature] = await Promise.all([fetched("release.json"), fetched("release.sig")]);
  return readRelease(new Uint8Array(await list.arrayBuffer()), await signature.text(), __RELEASE_KEY__);
}

async function fits(path: string, digest: string): Promise<readonly [string, Response]> {
  const response = await fetched(path);
  await checkDigest(path, await response.clone().arrayBuffer(), digest);
  return [addressOf(path), response];
}

/** Fetches all files of a release, and keeps them when every one of them fits. */
async function keepWhole(release: Release): Promise<void> {
  const files = await Promise.all(release.files.map(({ path, digest }) => fits(path, digest)));
  const cache = await caches.open(cacheName(release));
  await Promise.all(files.map(([address, response]) => cache.put(address, response)));
}

/** A phone that has a release keeps it, whatever this script was fetched with. */
async function install(): Promise<Kept> {
  const known = await readKept();
  if (known !== undefined) return known;
  const release = await offered();
  await fits(WORKER, release.worker);
  await keepWhole(release);
  const kept = { current: release, waiting: undefined };
  await writeKept(kept);
  return kept;
}

async function takeNewer(kept: Kept): Promise<Kept> {
  const release = await offered();
  await fits(WORKER, release.worker); // the browser fetches it by itself, from the same place
  const { current, waiting } = kept;
  const newest = waiting ?? current;
  if (release.number === newest.number && release.id === newest.id) return kept;
  if (release.number <= newest.number) throw new NotOurs("a release that is older than the one on this phone");
  await keepWhole(release);
  const next = { current, waiting: release };
  await writeKept(next);
  return next;
}

/** Asks the service for a newer release. One question at a time: the next one begins where the one before ended. */
let asking: Promise<unknown> = Promise.resolve();

async function look(): Promise<Answer> {
  const kept = await install();
  const say = ({ current, waiting }: Kept, refused?: string): Answer => ({ number: current.number, waiting: waiting !== undefined, refused });
  try {
    return say(await takeNewer(kept));
  } catch (error) {
    return say(kept, error instanceof NotOurs ? error.message : undefined); // else the service cannot be reached, which happens
  }
}

async function takeOver(): Promise<boolean> {
  const kept = await readKept();
  if (kept?.waiting === undefined) return false;
  await writeKept({ current: kept.waiting, waiting: undefined });
  return true;
}

function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const done = asking.then(work);
  asking = done.catch(() => undefined);
  return done;
}

/** Out of the release in use. Where the browser has emptied the cache, a file is fetched again, and has to be what was signed. */
async function serve(path: string): Promise<Response> {
  const { current } = (await readKept()) ?? (await inTurn(install));
  const cache = await caches.open(cacheName(current));
  const kept = await cache.match(addressOf(path));
  if (kept !== undefined) return kept;
  const listed = current.files.find((file) => file.path === path);
  if (listed === undefined) return new Response(null, { status: 404 });
  const [address, response] = await fits(path, listed.digest);
  await cache.put(address, response.clone());
  return response;
}

/** Files that a page may ask for by themselves, as they are on the server. */
const PASS_BY: ReadonlySet<string> = new Set([WORKER, "release.json", "release.sig", "headers.json"]);

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("message", (event) => {
  const [port] = event.ports;
  if (event.data === "look") event.waitUntil(inTurn(look).then((answer) => port?.postMessage(answer)));
  if (event.data === "take-over") event.waitUntil(inTurn(takeOver).then((taken) => port?.postMessage(taken)));
  if (event.data === "next-worker") event.waitUntil(self.skipWaiting());
});
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { scope } = self.registration;
  if (request.method !== "GET" || !request.url.startsWith(scope)) return;
  const path = new URL(request.url).pathname.slice(new URL(scope).pathname.length);
  if (path.startsWith("v1/") || PASS_BY.has(path)) return;
  event.respondWith(serve(request.mode === "navigate" || path === "" ? "index.html" : path));
});
