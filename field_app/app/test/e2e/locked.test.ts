/**
 * What a locked phone gives away: words typed into every box of four forms, and the phone's own keys, are sought on its disk;
 * and what is on the screen after "Hide now".
 */
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { readIdentity } from "@fieldkeep/device/identity";
import { OF, read, secretsRow } from "@fieldkeep/device/stored";
import { argon2id } from "hash-wasm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findInProfile } from "../browser/machine";
import { type Bytes, type Keys, type Name, deriveKeys, openBytes, openRow, rowKey } from "../../src/store/sealing";
import { PASSPHRASE, Phone } from "./phone";
import { Service } from "./service";

const FORMS = ["Case note", "Contact", "Person", "Spend"] as const;

let service: Service;
let sam: Phone;
const canaries: string[] = [];

beforeAll(async () => {
  service = await Service.begin();
  sam = new Phone(service);
  await sam.on();
  await sam.join(service.invite("Sam", "navigator"));
  service.aCase();
  await sam.sync();
}, 120_000);

afterAll(async () => {
  await sam.end();
  await service.end();
});

async function openCase(): Promise<void> {
  await sam.home();
  await sam.page.getByRole("button", { name: "Case J. B.", exact: true }).click();
  await sam.sees("Case J. B.");
}

/** Types something of its own into every box of a form that takes text; what it says need not be valid to be kept. */
async function typeEverywhere(form: string): Promise<number> {
  const { page } = sam;
  await openCase();
  await sam.press("Something else");
  await sam.sees("What do you want to write?");
  await page.getByRole("main").getByRole("button", { name: form, exact: true }).click();
  await sam.sees(`New ${form.toLowerCase()}`);
  await page.locator("main details").evaluateAll((all) => {
    for (const one of all) one.setAttribute("open", "");
  });
  await page.locator("main button", { hasText: /^Add/ }).evaluateAll((all) => {
    for (const one of all) if (one instanceof HTMLElement) one.click();
  });
  const boxes = await page.locator("main").locator("textarea:visible, input[type=text]:visible").all();
  for (const [n, box] of boxes.entries()) {
    const canary = `quokka ${form.toLowerCase()} ${n} marmalade`;
    await box.fill(canary);
    if ((await box.inputValue()) === canary) canaries.push(canary);
  }
  await page.waitForTimeout(400);
  await sam.shows("What you type is saved on this phone");
  return boxes.length;
}

/** Keys that the phone has, worked out from its disk and the passphrase as the app does. */
async function keysOf(): Promise<ReadonlyMap<string, Uint8Array>> {
  const kept = await sam.page.evaluate(async () => {
    const asked = <T>(request: IDBRequest<T>): Promise<T> =>
      new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    const database = await asked(indexedDB.open("notes"));
    const tables = database.transaction(["keyring", "rows"]);
    const [ring, places, rows] = await Promise.all([
      asked<{ salt: Uint8Array<ArrayBuffer>; deviceKey: CryptoKey; wrapped: Uint8Array<ArrayBuffer>; memoryKib: number; passes: number }>(tables.objectStore("keyring").get("0")),
      asked(tables.objectStore("rows").getAllKeys()),
      asked<Uint8Array[]>(tables.objectStore("rows").getAll()),
    ]);
    database.close();
    const numbers = new DataView(new ArrayBuffer(8));
    numbers.setUint32(0, ring.memoryKib);
    numbers.setUint32(4, ring.passes);
    const aad = new Uint8Array([...new TextEncoder().encode("notes/keyring"), ...ring.salt, ...new Uint8Array(numbers.buffer)]);
    const opened = await crypto.subtle.decrypt({ name: "AES-GCM", iv: ring.wrapped.subarray(0, 12), additionalData: aad }, ring.deviceKey, ring.wrapped.subarray(12));
    const plain = places.map((place, n) => [place instanceof ArrayBuffer ? [...new Uint8Array(place)] : [], [...(rows[n] ?? [])]] as const);
    return { inner: [...new Uint8Array(opened)], aad: [...aad], salt: [...ring.salt], memorySize: ring.memoryKib, iterations: ring.passes, rows: plain };
  });
  const { salt, memorySize, iterations } = kept;
  const own = await argon2id({ password: PASSPHRASE, salt: Uint8Array.from(salt), memorySize, iterations, parallelism: 1, hashLength: 32, outputType: "binary" });
  const ownKey = await crypto.subtle.importKey("raw", Uint8Array.from(own), "AES-GCM", false, ["decrypt"]);
  const storeKey = await openBytes(ownKey, Uint8Array.from(kept.inner), Uint8Array.from(kept.aad));
  if (storeKey === undefined) throw new Error("the keyring does not open");
  const keys = await deriveKeys(storeKey);
  const rows = new Map(kept.rows.map(([place, sealed]) => [String(place), { place: Uint8Array.from(place), sealed: Uint8Array.from(sealed) }]));
  const all = await Promise.all([...rows.values()].map(({ place, sealed }) => openRow(keys, place, sealed)));
  const identity = await readIdentity({ get: (collection, name) => contentOf(keys, rows, collection, name), scan: () => Promise.resolve([]) });
  if (identity === null) throw new Error("the phone is no device");
  const secrets = all.filter(({ collection }) => collection === OF.secrets).flatMap(({ content }) => read(secretsRow, content));
  return new Map([
    ["the passphrase's key", own],
    ["the store's key", storeKey],
    ["what it signs with", identity.sign],
    ["what it receives with", identity.receive],
    ...secrets.map(({ secret }, n) => [`a file's key ${n}`, secret] as const),
  ]);
}

async function contentOf(keys: Keys, rows: ReadonlyMap<string, { readonly sealed: Bytes }>, collection: string, name: Name): Promise<Bytes | undefined> {
  const place = await rowKey(keys, collection, name);
  const found = rows.get(String([...place]));
  return found && (await openRow(keys, place, found.sealed)).content;
}

describe("a phone that is hidden, then locked and off", () => {
  let keys: ReadonlyMap<string, Uint8Array>;

  it("takes words in every box of four forms, and sends a note", async () => {
    for (const form of FORMS) expect(await typeEverywhere(form), form).toBeGreaterThan(0);
    await openCase();
    await sam.press("New note");
    await sam.page.getByLabel("Note", { exact: true }).fill("quokka that was sent marmalade");
    canaries.push("quokka that was sent marmalade");
    await sam.press("Save as a draft");
    await sam.sees("Case J. B.");
    await sam.sync();
    expect(canaries.length).toBeGreaterThan(20);
  });

  it("shows a page of nothing after Hide now, and no way back", async () => {
    await openCase();
    await sam.shows("quokka that was sent");
    const before = await sam.page.evaluate(() => history.length);
    await sam.press("Hide now");
    await sam.sees("Notes");
    const left = await sam.page.evaluate(() => ({ title: document.title, address: location.href, length: history.length, state: history.state as unknown, all: document.documentElement.outerHTML, name: window.name }));
    expect(await sam.text()).toMatch(/^\s*Notes\s+You have no notes yet\.\s+New note\s*$/);
    expect(left.title).toBe("Notes");
    expect([`${service.address}/`, `${service.address}/#`]).toContain(left.address);
    expect(left.length).toBe(before);
    expect(left.all).not.toMatch(/quokka|marmalade|J\. B\.|Case|Sam|Ruth/);
    expect([left.name, JSON.stringify(left.state ?? null)].join()).not.toMatch(/file|record|quokka/);
    await sam.page.goBack().catch(() => null);
    expect(await sam.text()).not.toMatch(/quokka|J\. B\./);
  });

  it("asks for the passphrase before it shows anything again", async () => {
    await sam.page.goto(`${service.address}/`);
    await sam.sees("Notes");
    expect(await sam.text()).not.toMatch(/quokka|J\. B\./);
    keys = await keysOf();
    expect(keys.size).toBeGreaterThan(4);
    await sam.off();
  });

  it("has no typed word on its disk", () => {
    for (const canary of [...canaries, "quokka", "marmalade", "Jack Brown"]) expect(findInProfile(sam.profile, canary), canary).toEqual([]);
  });

  it("has no byte of a key on its disk", () => {
    for (const [which, key] of keys) for (const half of [key.subarray(0, 16), key.subarray(16)]) expect(findInProfile(sam.profile, half), which).toEqual([]);
  });

  it("is really searched: what is planted is found", () => {
    const [[, key] = ["", new Uint8Array(32)]] = keys;
    const planted = join(sam.profile, "Default", "planted");
    appendFileSync(planted, `before ${canaries[3]} after`);
    appendFileSync(planted, key);
    expect(findInProfile(sam.profile, canaries[3] ?? "")).toEqual([planted]);
    expect(findInProfile(sam.profile, key.subarray(16))).toEqual([planted]);
  });
});
