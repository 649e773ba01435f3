/**
 * A photograph made anew from its pixels: upright, at most 4096 pixels a side, without the place, the device, the date and the preview that cameras write
 * into it (docs/spec.md §18.7). What the browser made of it is looked through once more, and whatever is no picture in it is taken out.
 */
import { type Form, THUMBNAIL_ROOM } from "@fieldkeep/core/attachment";
import { Refused } from "@fieldkeep/core/errors";

/** Beyond this some phones draw nothing at all. */
const MOST_SIDE = 4096;
const SMALL_SIDE = 320;
const QUALITY = 0.9;
const SMALL_QUALITIES = [0.8, 0.6, 0.4, 0.2, 0.05] as const;
const MOST_BYTES = 100_000_000;

export interface Photograph {
  readonly form: Form;
  readonly content: Uint8Array;
  readonly thumbnail: Uint8Array;
}

const refuse = (words: string): Refused => new Refused("bad-value", words);

/** Raises Refused `bad-value` for what is no picture that this phone can open. */
export async function photograph(file: Blob): Promise<Photograph> {
  if (file.size > MOST_BYTES) throw new Refused("too-large", `a file of ${Math.round(file.size / 1_000_000)} MB, want at most ${MOST_BYTES / 1_000_000}`);
  if (file.type === "application/pdf") throw refuse("documents are added on a computer: there what tells of their author is taken out of them. A photograph of it can be added here");
  const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" }).catch(() => {
    throw refuse("saw a file that is no picture, or of a kind that this phone cannot open: want a JPEG, PNG or WebP");
  });
  try {
    const content = bare(await drawn(bitmap, MOST_SIDE, QUALITY));
    for (const quality of SMALL_QUALITIES) {
      const thumbnail = bare(await drawn(bitmap, SMALL_SIDE, quality));
      if (thumbnail.length <= THUMBNAIL_ROOM) return { form: "jpeg", content, thumbnail };
    }
    return { form: "jpeg", content, thumbnail: new Uint8Array(0) };
  } finally {
    bitmap.close();
  }
}

/** On white, where it was transparent. */
async function drawn(bitmap: ImageBitmap, most: number, quality: number): Promise<Uint8Array> {
  const scale = Math.min(1, most / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [Math.max(1, Math.round(bitmap.width * scale)), Math.max(1, Math.round(bitmap.height * scale))];
  const context = canvas.getContext("2d");
  if (context === null) throw refuse("this phone has no room to draw the picture: close other apps and try again");
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  const made = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/jpeg", quality));
  canvas.width = canvas.height = 0; // some browsers keep its memory until it has none
  if (made === null) throw refuse("this phone could not make the picture anew: close other apps and try again");
  return new Uint8Array(await made.arrayBuffer());
}

const [START, SCAN, END] = [0xd8, 0xda, 0xd9];
const JFIF_BYTES = 18;

const damaged = (): Refused => refuse("this phone made something else than a JPEG of the picture: nothing was kept");

/** A JPEG without its description, every byte of its picture as it was. Raises Refused for what is none. */
export function bare(jpeg: Uint8Array): Uint8Array {
  if (jpeg[0] !== 0xff || jpeg[1] !== START) throw damaged();
  const kept: Uint8Array[] = [jpeg.subarray(0, 2)];
  for (let at = 2; at + 2 <= jpeg.length && jpeg[at] === 0xff; ) {
    const marker = jpeg[at + 1] ?? 0;
    if (marker === END) return joined([...kept, jpeg.subarray(at, at + 2)]); // and nothing of what stands behind it
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    const length = ((jpeg[at + 2] ?? 0) << 8) | (jpeg[at + 3] ?? 0);
    const end = marker === SCAN ? endOfScan(jpeg, at + 2 + length) : at + 2 + length;
    if (length < 2 || end > jpeg.length) break;
    if (!isAbout(jpeg, marker, at, end)) kept.push(jpeg.subarray(at, end));
    at = end;
  }
  throw damaged();
}

function endOfScan(jpeg: Uint8Array, from: number): number {
  for (let at = jpeg.indexOf(0xff, from); at >= 0 && at + 1 < jpeg.length; at = jpeg.indexOf(0xff, at + 2)) {
    const next = jpeg[at + 1] ?? 0;
    if (next !== 0 && !(next >= 0xd0 && next <= 0xd7)) return at;
  }
  return jpeg.length + 1;
}

/** Comments and applications' own segments, but for JFIF's head without a preview, which says how pixels lie. */
function isAbout(jpeg: Uint8Array, marker: number, at: number, end: number): boolean {
  if (marker === 0xe0) return end - at !== JFIF_BYTES || String.fromCharCode(...jpeg.subarray(at + 4, at + 9)) !== "JFIF\0";
  return (marker >= 0xe1 && marker <= 0xef) || marker === 0xfe;
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
