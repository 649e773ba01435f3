/** A spend with the photograph of its receipt, made in a cellar: real browser, real server, real command line. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Phone } from "./phone";
import { Service } from "./service";

const PLACE = "zqplacecanary 53.0 north";
let service: Service;
let sam: Phone;
let file: string;

beforeAll(async () => {
  service = await Service.begin();
  sam = new Phone(service);
  await sam.on();
  await sam.join(service.invite("Sam", "navigator"));
  file = service.aCase();
  await sam.sync();
  await sam.page.evaluate(() => navigator.serviceWorker.ready);
}, 120_000);

afterAll(async () => {
  await sam.end();
  await service.end();
});

/** As a camera makes one: turned by a quarter, with the place in EXIF and in a comment, and a film behind its end. */
async function taken(width: number, height: number): Promise<Buffer> {
  const drawn = await sam.page.evaluate(
    async ([w, h]) => {
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [w, h];
      const context = canvas.getContext("2d");
      if (context === null) throw new Error("no canvas");
      const pixels = context.createImageData(w, h);
      for (let i = 0; i < pixels.data.length; i++) pixels.data[i] = i % 4 === 3 ? 255 : (i * 2654435761) % 251;
      context.putImageData(pixels, 0, 0);
      const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.95));
      return [...new Uint8Array((await blob?.arrayBuffer()) ?? new ArrayBuffer(0))];
    },
    [width, height] as const,
  );
  const turned = Buffer.from([0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0]);
  const segment = (marker: number, body: Buffer): Buffer => Buffer.concat([Buffer.from([0xff, marker, (body.length + 2) >> 8, (body.length + 2) & 0xff]), body]);
  const exif = segment(0xe1, Buffer.concat([Buffer.from("Exif\0\0"), turned, Buffer.from(PLACE)]));
  const jpeg = Buffer.from(drawn);
  return Buffer.concat([jpeg.subarray(0, 2), exif, segment(0xfe, Buffer.from(PLACE)), jpeg.subarray(2), Buffer.from(PLACE)]);
}

/** Width and height, as they stand in a JPEG. */
function sizeOf(jpeg: Buffer): readonly [number, number] {
  for (let at = 2; at < jpeg.length; at += 2 + jpeg.readUInt16BE(at + 2)) {
    const marker = jpeg[at + 1] ?? 0;
    if (marker >= 0xc0 && marker <= 0xc2) return [jpeg.readUInt16BE(at + 7), jpeg.readUInt16BE(at + 5)];
  }
  throw new Error("no picture");
}

async function openCase(): Promise<void> {
  await sam.home();
  await sam.page.getByRole("button", { name: "Case J. B.", exact: true }).click();
  await sam.sees("Case J. B.");
}

async function aSpend(): Promise<void> {
  await openCase();
  await sam.press("Something else");
  await sam.press("Spend");
  const { page } = sam;
  await page.getByLabel(/^Amount/).fill("14.20");
  await page.getByRole("group", { name: /^Bought on/ }).getByRole("button", { name: "Now" }).click();
  await page.getByRole("group", { name: /^Category/ }).getByRole("radio").first().check();
  await page.getByLabel(/^Item/).fill("a door chain");
  await page.getByLabel(/^Paid to/).fill("Corner Shop");
  for (const name of [/^Which barrier/, /^For whom/, /^How it was paid/]) await page.getByRole("group", { name }).getByRole("radio").first().check();
}

async function newNote(): Promise<void> {
  await sam.press("New note");
  await sam.page.getByText("More, if it helps").click();
}

const upload = async (name: string, buffer: Buffer): Promise<void> => sam.page.locator('input[type="file"]').setInputFiles({ name, mimeType: "image/jpeg", buffer });
const drawnPictures = async (): Promise<number> =>
  sam.page.evaluate(() => [...document.querySelectorAll<HTMLImageElement>(".app-picture__image")].filter((one) => one.complete && one.naturalWidth > 0).length);

type Row = { readonly record: string; readonly type: string };
const listed = (): readonly Row[] => service.run("ruth", "record", "list", file)["records"] as readonly Row[];
const attachments = (): readonly string[] => (service.run("ruth", "attachment", "list", file)["attachments"] as readonly { readonly record: string }[]).map(({ record }) => record);

describe("a spend with its receipt", () => {
  it("takes a photograph with no signal, and shows it", async () => {
    await service.stop();
    const photo = await taken(2400, 1800);
    expect(photo.includes(PLACE)).toBe(true);
    await aSpend();
    await upload("IMG_20261123_her_street.jpg", photo);
    await sam.shows("Receipt 1");
    await expect.poll(drawnPictures).toBe(1);
  });

  it("has it when the battery dies before anything is saved", async () => {
    await sam.page.waitForTimeout(700);
    await sam.dies();
    await sam.on();
    await sam.unlock();
    await sam.shows("Not finished");
    await sam.page.getByRole("button", { name: /Spend/ }).first().click();
    await expect.poll(drawnPictures).toBe(1);
  });

  it("sends nothing of it while the spend is not saved", async () => {
    await service.start();
    await sam.sync();
    service.run("ruth", "sync");
    expect(attachments()).toEqual([]);
    await service.stop();
    await sam.home();
    await sam.page.getByRole("button", { name: /Spend/ }).first().click();
    await sam.press("Save");
    await sam.sees("Case J. B.");
  });

  it("arrives with the spend, upright, and says nothing of where it was taken", async () => {
    await service.start();
    await sam.sync();
    await sam.shows(/Everything sent/);
    service.run("ruth", "sync");
    const spend = listed().find(({ type }) => type === "spend")?.record ?? "";
    const [receipt = "", ...others] = attachments();
    expect(others).toEqual([]);
    expect(JSON.stringify(service.run("ruth", "record", "show", spend))).toContain(receipt);
    const saved = service.run("ruth", "attachment", "save", receipt, "--out", join(service.folder, "receipt.jpg"));
    const bytes = readFileSync(String(saved["path"]));
    expect(bytes.includes("zqplace")).toBe(false);
    expect(bytes.includes("Exif")).toBe(false);
    expect(sizeOf(bytes)).toEqual([1800, 2400]);
    const shown = JSON.stringify([service.run("ruth", "attachment", "show", receipt), service.run("ruth", "record", "show", receipt)]);
    expect(shown).not.toContain("her_street");
  });

  it("is shown on the page of the spend, whole when asked for, with no signal", async () => {
    await openCase();
    await sam.page.getByRole("button", { name: /door chain|^Spend/ }).first().click();
    await expect.poll(drawnPictures).toBe(1);
    await service.stop();
    await sam.press(/^Show it whole/);
    await expect.poll(() => sam.page.evaluate(() => document.querySelector<HTMLImageElement>(".app-picture__image")?.naturalHeight)).toBe(2400);
    expect(await sam.text()).not.toMatch(/[0-9a-f]{64}/);
  });
});

describe("a photograph that was a mistake", () => {
  it("is gone when it is taken out of the form, and is never sent", async () => {
    await openCase();
    await newNote();
    await sam.page.getByLabel("Note", { exact: true }).fill("The lock is mended.");
    await upload("wrong.jpg", await taken(400, 300));
    await sam.shows("Photograph 1");
    await upload("right.jpg", await taken(500, 400));
    await sam.shows("Photograph 2");
    await sam.page.getByRole("button", { name: "Remove Photograph 1" }).click();
    await expect.poll(() => sam.text()).not.toContain("Photograph 2");
    await sam.press("Save as a draft");
    await sam.sees("Case J. B.");
    await service.start();
    await sam.sync();
    await sam.shows(/Everything sent/);
    service.run("ruth", "sync");
    expect(attachments()).toHaveLength(2);
    const note = listed().find(({ type }) => type === "case_note")?.record ?? "";
    const fields = JSON.stringify(service.run("ruth", "record", "show", note));
    expect(attachments().filter((one) => fields.includes(one))).toHaveLength(1);
  });

  it("goes with a form that is thrown away", async () => {
    await openCase();
    await newNote();
    await upload("thrown.jpg", await taken(400, 300));
    await sam.shows("Photograph 1");
    await sam.press("Throw this away");
    await sam.sync();
    await sam.shows(/Everything sent/);
    service.run("ruth", "sync");
    expect(attachments()).toHaveLength(2);
  });

  it("says plainly what is no picture, and what is added on a computer", async () => {
    await openCase();
    await newNote();
    await upload("text.jpg", Buffer.from("not a picture"));
    await sam.shows(/That was not saved\.[^]*no picture/);
    await sam.page.locator('input[type="file"]').setInputFiles({ name: "a.pdf", mimeType: "application/pdf", buffer: Buffer.from("%PDF-1.7") });
    await sam.shows(/documents are added on a computer/i);
    await sam.press("Throw this away");
  });
});

describe("from a colleague", () => {
  it("is fetched when it is looked at, and kept for when there is no signal", async () => {
    const path = join(service.folder, "receipt.jpg");
    const note = String(service.run("ruth", "note", "add", "--file", file, "the window, from the street")["record"]);
    service.run("ruth", "attachment", "add", file, path, "--what", "the window", "--to", note);
    service.run("ruth", "sync");
    await sam.sync();
    await openCase();
    await sam.page.getByRole("button", { name: /the window, from the street|Case note/ }).first().click();
    await expect.poll(drawnPictures).toBe(1);
    await service.stop();
    await openCase();
    await sam.page.getByRole("button", { name: /the window, from the street|Case note/ }).first().click();
    await expect.poll(drawnPictures).toBe(1);
    await sam.press(/^Show it whole/);
    await sam.shows("It comes when there is a signal");
  });
});

describe("all the while", () => {
  it("asked nobody else for anything, and broke no rule of its page", () => {
    expect(sam.foreign).toEqual([]);
    expect(sam.complaints.filter((one) => !/ERR_CONNECTION_REFUSED|Failed to fetch|Failed to load resource/.test(one))).toEqual([]);
  });
});
