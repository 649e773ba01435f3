/** What the worker has on this phone: whole releases, each in a cache of its own, and which of them is in use, or waits. */
import type { Release } from "./release";

export interface Kept {
  readonly current: Release;
  /** Checked whole, and not in use before somebody says so. */
  readonly waiting: Release | undefined;
}

const STATE = "releases";
const STATE_KEY = "/state";
const PREFIX = "release-";

/** The number is in the name: the same files may come again under a higher one. */
export const cacheName = ({ id, number }: Release): string => `${PREFIX}${number}-${id}`;

export async function readKept(): Promise<Kept | undefined> {
  const answer = await (await caches.open(STATE)).match(STATE_KEY);
  return answer === undefined ? undefined : ((await answer.json()) as Kept); // written below, and by nobody else
}

/** Writes which releases there are, and then forgets all others: a death in between leaves too much, and never too little. */
export async function writeKept(kept: Kept): Promise<void> {
  await (await caches.open(STATE)).put(STATE_KEY, new Response(JSON.stringify(kept)));
  const wanted = new Set([kept.current, ...(kept.waiting === undefined ? [] : [kept.waiting])].map(cacheName));
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith(PREFIX) && !wanted.has(name)).map((name) => caches.delete(name)));
}
