/** What may be written in a file by whoever holds the phone: every type that their role may begin there. */
import type { JSX } from "preact";
import { Page, WhenThere } from "../components/page";
import { TaskList } from "../components/patterns";
import type { FileSummary, Me } from "../device/facade";
import { RECORD_TYPES, type RecordType } from "../forms/schema";
import { newDraft } from "./drafting";
import { useAsked, useSession } from "./session";
import { NOT_BY_HAND } from "./words";

export const typesFor = (file: FileSummary, me: Me): readonly RecordType[] =>
  RECORD_TYPES.filter(
    (type) => !NOT_BY_HAND.has(type.name) && (type.files[file.kind]?.includes(me.side) ?? false) && type.writers.includes(file.role),
  ).sort((a, b) => a.title.localeCompare(b.title));

export function TypesOfRecord({ file }: { readonly file: string }): JSX.Element {
  const { router, device } = useSession();
  const loaded = useAsked((asked) => asked.file(file), [file]);
  return (
    <WhenThere loaded={loaded}>
      {(there) => (
        <Page title="What do you want to write?" caption={there.title} onBack={() => router.back()}>
          <TaskList
            tasks={typesFor(there, device.me).map((type) => ({
              id: `type-${type.name}`,
              title: type.title,
              status: "",
              onOpen: () => router.replace({ at: "write", file, type: type.name, draft: newDraft() }),
            }))}
          />
        </Page>
      )}
    </WhenThere>
  );
}
