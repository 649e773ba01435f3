/** src/platform/photograph: what is left of a JPEG is its picture. */
import { describe, expect, it } from "vitest";
import { bare } from "../../src/platform/photograph";

const ascii = (text: string): number[] => [...text].map((letter) => letter.charCodeAt(0));
const segment = (marker: number, body: readonly number[]): number[] => [0xff, marker, (body.length + 2) >> 8, (body.length + 2) & 0xff, ...body];

const JFIF = segment(0xe0, [...ascii("JFIF\0"), 1, 1, 0, 0, 1, 0, 1, 0, 0]);
const TABLE = segment(0xdb, [0, 1, 2, 3]);
const SCAN = [...segment(0xda, [1, 1, 0, 0, 63, 0]), 1, 2, 0xff, 0, 3, 0xff, 0xd0, 4];
const END = [0xff, 0xd9];
const PLACE = ascii("53.0 north");
const jpeg = (...pieces: readonly (readonly number[])[]): Uint8Array => Uint8Array.from([0xff, 0xd8, ...pieces.flat()]);
const PICTURE = jpeg(JFIF, TABLE, SCAN, END);

const ABOUT: Readonly<Record<string, readonly number[]>> = {
  exif: segment(0xe1, [...ascii("Exif\0\0"), ...PLACE]),
  profile: segment(0xe2, [...ascii("ICC_PROFILE\0"), ...PLACE]),
  iptc: segment(0xed, [...ascii("Photoshop 3.0\0"), ...PLACE]),
  comment: segment(0xfe, PLACE),
  preview: segment(0xe0, [...ascii("JFXX\0"), ...PLACE]),
  "a head with a preview": segment(0xe0, [...ascii("JFIF\0"), 1, 1, 0, 0, 1, 0, 1, 1, 1, ...PLACE]),
};

describe("a JPEG", () => {
  it.each(Object.keys(ABOUT))("without its %s is the picture", (name) => {
    expect(bare(jpeg(JFIF, ABOUT[name] ?? [], TABLE, SCAN, END))).toEqual(PICTURE);
    expect(bare(jpeg(JFIF, TABLE, SCAN, ABOUT[name] ?? [], SCAN, END))).toEqual(jpeg(JFIF, TABLE, SCAN, SCAN, END));
  });

  it("ends where it ends", () => {
    expect(bare(jpeg(JFIF, TABLE, SCAN, END, PLACE))).toEqual(PICTURE);
  });

  it("is none when it is cut, or something else", () => {
    for (let size = 0; size < PICTURE.length; size++) expect(() => bare(PICTURE.slice(0, size)), String(size)).toThrow("something else than a JPEG");
    expect(() => bare(Uint8Array.from(ascii("\x89PNG\r\n")))).toThrow("something else than a JPEG");
  });
});
