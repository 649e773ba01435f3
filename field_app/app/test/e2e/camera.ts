/** What a camera sees that looks at a printed code: the picture that `invite --qr` wrote, as a film for Chromium's camera for tests. */
import { readFileSync, writeFileSync } from "node:fs";
import { inflateSync } from "node:zlib";

interface Picture {
  readonly width: number;
  readonly height: number;
  readonly isDark: (x: number, y: number) => boolean;
}

/** A PNG of one bit a pixel, black on white: what segno writes. */
function readPng(file: string): Picture {
  const bytes = readFileSync(file);
  const packed: Buffer[] = [];
  let [width, height, format] = [0, 0, ""];
  for (let at = 8; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    const name = bytes.toString("latin1", at + 4, at + 8);
    const body = bytes.subarray(at + 8, at + 8 + length);
    if (name === "IHDR") [width, height, format] = [body.readUInt32BE(0), body.readUInt32BE(4), `${body[8]}/${body[9]}`];
    if (name === "IDAT") packed.push(body);
    at += length + 12;
  }
  if (format !== "1/0") throw new Error(`a picture of another form: ${format}`);
  const stride = Math.ceil(width / 8) + 1;
  const rows = inflateSync(Buffer.concat(packed));
  for (let y = 0; y < height; y += 1) {
    const filter = rows[y * stride];
    if (filter !== 0 && filter !== 2) throw new Error(`a picture whose rows are filtered by ${filter}`);
    // The second says what was added to the row above.
    for (let at = y * stride + 1; filter === 2 && y > 0 && at < (y + 1) * stride; at += 1) rows[at] = ((rows[at] ?? 0) + (rows[at - stride] ?? 0)) & 255;
  }
  return { width, height, isDark: (x, y) => (((rows[y * stride + 1 + (x >> 3)] ?? 0) >> (7 - (x & 7))) & 1) === 0 };
}

/** One frame, shown over and over: the picture in the middle of a grey wall. */
export function filmOf(png: string, film: string): void {
  const picture = readPng(png);
  const [width, height] = [1280, 960];
  const grow = Math.max(1, Math.floor(Math.min((width - 40) / picture.width, (height - 40) / picture.height)));
  const [left, top] = [Math.floor((width - picture.width * grow) / 2), Math.floor((height - picture.height * grow) / 2)];
  const light = Buffer.alloc(width * height, 190);
  for (let y = 0; y < picture.height * grow; y += 1) {
    for (let x = 0; x < picture.width * grow; x += 1) {
      light[(top + y) * width + left + x] = picture.isDark(Math.floor(x / grow), Math.floor(y / grow)) ? 30 : 225;
    }
  }
  const colour = Buffer.alloc((width * height) / 2, 128);
  const frame = Buffer.concat([Buffer.from("FRAME\n"), light, colour]);
  writeFileSync(film, Buffer.concat([Buffer.from(`YUV4MPEG2 W${width} H${height} F10:1 Ip A1:1 C420jpeg\n`), frame, frame]));
}
