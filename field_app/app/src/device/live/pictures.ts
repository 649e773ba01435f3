/** Pictures between the screens and the device: made anew before they are kept, opened when they are shown. */
import type { Edit } from "@fieldkeep/device/ops";
import { attach, contentOf, manifestOf, thumbnailOf } from "@fieldkeep/device/attachments";
import type { Session } from "@fieldkeep/device/session";
import type { Transport } from "@fieldkeep/device/transport";
import type { Size } from "../../components/picture";
import { photograph } from "../../platform/photograph";

export const PICTURE_WORDS = { photo: "Photograph", receipt: "Receipt" } as const;
const TYPES = { jpeg: "image/jpeg", png: "image/png", pdf: "application/pdf" } as const;
const set = (field: string, value: string): Edit => ({ act: "set", field, value });

/** The name that it had as a file is kept nowhere. It waits for the record that names it. */
export async function attachPicture(session: Session, log: Uint8Array, file: File, kind: keyof typeof PICTURE_WORDS): Promise<Uint8Array> {
  const said = [set("kind", kind), set("what", PICTURE_WORDS[kind]), set("cleaned", "yes"), set("evidence", "no")];
  return attach(session, log, await photograph(file), said, true);
}

export async function pictureOf(session: Session, transport: Transport, log: Uint8Array, record: Uint8Array, size: Size): Promise<Blob | undefined> {
  const form = manifestOf(session, log, record)?.form ?? "jpeg";
  if (form === "pdf" && size === "whole") return undefined; // read on a computer
  const content = size === "small" ? await thumbnailOf(session, transport, log, record) : await contentOf(session, transport, log, record);
  return content.length === 0 ? undefined : new Blob([Uint8Array.from(content)], { type: size === "small" ? TYPES.jpeg : TYPES[form] });
}
