/** What the parts of an entry open to: changes, nothing yet, or a hole. Spec 3.2, 4, 7.5, 7.8. Tests: make/. */
import { type Change, decodePart } from "./change";
import type { Admission, Envelope, Expunction } from "./entry";
import { Refused } from "./errors";
import type { Secrets } from "./grant";
import { openPart, type PartContext } from "./sealing";

/** `absent`: it was expunged; `closed`: no secret of its epoch yet; `hole`: skipped whole, with an alarm. */
export type PartRead =
  | { readonly is: "changes"; readonly changes: readonly Change[] }
  | { readonly is: "absent" }
  | { readonly is: "closed" }
  | { readonly is: "hole" };

type Sealed = Pick<Envelope | Expunction, "header" | "frame" | "parts">;

function contextOf({ header, frame, parts }: Sealed): PartContext {
  const { svc, log, ep, kid, sq } = header;
  return { svc, log, epoch: ep, author: kid, sq, protected: frame.protected, total: parts.length };
}

/** An admission is opened with the held envelope's own header, author, number and epoch. */
export function sealedIn(entry: Envelope | Admission | Expunction): Sealed {
  return entry.typ === "fieldkeep-admission" ? entry.held : entry;
}

/** The plaintext of one part; null where it is absent or closed; throws `malformed` where it does not open. */
export async function openPartOf(
  entry: Envelope | Admission | Expunction,
  index: number,
  secrets: Secrets,
): Promise<Uint8Array | null> {
  const sealed = sealedIn(entry);
  const part = sealed.parts[index];
  const secret = secrets.get(sealed.header.ep);
  if (part === undefined || part === null || secret === undefined) return null;
  return openPart(secret, part, contextOf(sealed), index);
}

/** All parts of an envelope, or of the one that an admission carries, which stands at `place` of the log. */
export async function readParts(
  entry: Envelope | Admission,
  place: number,
  secrets: Secrets,
): Promise<readonly PartRead[]> {
  const { header, parts } = sealedIn(entry);
  return Promise.all(
    parts.map(async (part, index): Promise<PartRead> => {
      if (part === null) return { is: "absent" };
      if (!secrets.has(header.ep)) return { is: "closed" };
      try {
        const plaintext = await openPartOf(entry, index, secrets);
        const changes = plaintext === null ? [] : decodePart(plaintext);
        const sees = changes.every(({ b }) => b <= header.sn.seq && b < place);
        return sees ? { is: "changes", changes } : { is: "hole" };
      } catch (error) {
        if (error instanceof Refused) return { is: "hole" };
        throw error;
      }
    }),
  );
}
