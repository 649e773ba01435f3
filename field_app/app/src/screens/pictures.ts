/** What forms do with pictures, of one file. */
import type { Device } from "../device/facade";
import { wordsOf } from "../forms/boxes";
import type { Pictures } from "../forms/context";
import type { Field } from "../forms/schema";
import type { Typed } from "../store/drafts";

export const picturesOf = (device: Device, file: string): Pictures => ({
  attach: (content, kind) => device.attach(file, content, kind),
  takeBack: (record) => device.takeBack(file, record),
  show: (record, size) => device.picture(file, record, size),
});

/** Of a form that is thrown away: what was photographed for it is thrown away too, unless it has gone out. */
export async function throwAwayPictures(device: Device, file: string, fields: readonly Field[], typed: Typed): Promise<void> {
  for (const field of fields) {
    if (field.kind !== "attachments") continue;
    for (const record of wordsOf(typed[field.name])) await device.takeBack(file, record);
  }
}
