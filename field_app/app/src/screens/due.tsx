/** What is due: tasks, reviews, actions and requests by their day, and the orders that run (docs/spec.md §5.10). All of it offline. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Body, Button, Details, LinkButton, Section } from "../components/basics";
import { Page, TroubleBox, WhenThere } from "../components/page";
import { Badge, Tag } from "../components/patterns";
import type { DueItem, FileSummary, OrderRuns } from "../device/facade";
import { recordType } from "../forms/schema";
import { newDraft } from "./drafting";
import { calledWords, dayWords, orderWords, requestWords } from "./due_words";
import { useAct, useAsked, useSession } from "./session";

const GROUPS: readonly (readonly [DueItem["group"], string])[] = [
  ["overdue", "Overdue"],
  ["today", "Today"],
  ["week", "In the next 7 days"],
  ["later", "Later"],
];

export function WhatIsDue(): JSX.Element {
  const { router, device } = useSession();
  const [everybodys, setEverybodys] = useState(false);
  const items = useAsked((asked) => asked.due(everybodys), [everybodys]);
  const orders = useAsked((asked) => asked.orders(), []);
  const files = useAsked((asked) => asked.files(), []);
  return (
    <Page title="What is due" onBack={() => router.back()}>
      <Body>{everybodys ? "Everybody’s in your files, up to a month ahead." : "Yours, up to a month ahead."}</Body>
      <WhenThere loaded={items}>{(there) => <Items key={String(everybodys)} items={there} />}</WhenThere>
      <WhenThere loaded={files}>{(there) => <AddTask files={there.filter((file) => mayAdd(file, device.me.side))} />}</WhenThere>
      <p class="govuk-body">
        <LinkButton onPress={() => setEverybodys(!everybodys)}>{everybodys ? "Show only what is yours" : "Show everybody’s in your files"}</LinkButton>
      </p>
      <WhenThere loaded={orders}>{(there) => <Orders orders={there} />}</WhenThere>
    </Page>
  );
}

const keyOf = (item: DueItem, all: readonly DueItem[]): string => {
  const alike = all.filter((one) => one.record === item.record && one.rule === item.rule);
  return `${item.record} ${item.rule} ${alike.indexOf(item)}`;
};

const byDay = (a: DueItem, b: DueItem): number =>
  a.day === b.day ? (a.file === b.file ? order(a.record, b.record) : order(a.file, b.file)) : order(a.day, b.day);
const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function Items({ items }: { readonly items: readonly DueItem[] }): JSX.Element {
  const { device } = useSession();
  const { trouble, act } = useAct();
  // What was finished here stays in its place, so that it can be undone where it was done.
  const [finished, setFinished] = useState<readonly DueItem[]>([]);
  const [said, setSaid] = useState("");
  const isThere = (item: DueItem): boolean => items.some((one) => one.record === item.record && one.rule === item.rule);
  const gone = finished.filter((item) => !isThere(item));
  const all = [...items, ...gone].sort(byDay);

  const put = (item: DueItem, state: string): Promise<unknown> =>
    device.write(item.file, [{ type: "task", record: item.record, edits: [{ act: "set", field: "task_state", value: state }], act: "save" }]);
  const finish = (item: DueItem): void =>
    act(async () => {
      const others = finished.filter((one) => one.record !== item.record);
      setFinished([...others, item]);
      try {
        await put(item, "done");
      } catch (error) {
        setFinished(others);
        throw error;
      }
      setSaid(`Done: ${item.what}. You can undo it.`);
    });
  const undo = (item: DueItem): void =>
    act(async () => {
      await put(item, item.task ?? "open");
      setSaid(`Not done after all: ${item.what}.`);
    });

  return (
    <>
      <p class="govuk-visually-hidden" role="status">
        {said}
      </p>
      {trouble !== undefined && <TroubleBox trouble={trouble} />}
      {all.length === 0 && <Body>Nothing is due.</Body>}
      {GROUPS.map(([group, heading]) => {
        const its = all.filter((item) => item.group === group);
        if (its.length === 0) return null;
        return (
          <section key={group} aria-label={heading}>
            <Section>{heading}</Section>
            <ul class="govuk-list app-cards">
              {its.map((item) => (
                <Item key={keyOf(item, all)} item={item} isDone={gone.includes(item)} onFinish={() => finish(item)} onUndo={() => undo(item)} />
              ))}
            </ul>
          </section>
        );
      })}
    </>
  );
}

interface ItemProps {
  readonly item: DueItem;
  readonly isDone: boolean;
  readonly onFinish: () => void;
  readonly onUndo: () => void;
}

function Item({ item, isDone, onFinish, onUndo }: ItemProps): JSX.Element {
  const { router } = useSession();
  const called = calledWords(item.rule);
  const words = item.what === "" ? called : item.what;
  const where = [item.what === "" ? "" : called, item.title, item.mine ? "" : item.owner].filter((one) => one !== "").join(" · ");
  return (
    <li class={item.group === "overdue" && !isDone ? "app-card app-card--late" : "app-card"}>
      <LinkButton onPress={() => router.go({ at: "record", file: item.file, record: item.record })} about={item.title}>
        {words}
      </LinkButton>
      <p class="app-card__line">{where}</p>
      <p class="app-card__line">
        {isDone ? <Tag colour="green">Done</Tag> : dayWords(item)} {item.doNotRaise && <Badge colour="red">Do not raise</Badge>}
      </p>
      {item.request !== undefined && <p class="app-card__line">{requestWords(item.request)}</p>}
      {/* One button in one place: the focus stays when "Done" becomes "Undo". */}
      {item.task !== undefined && (
        <Button look="secondary" onPress={isDone ? onUndo : onFinish} about={words}>
          {isDone ? "Undo" : "Done"}
        </Button>
      )}
    </li>
  );
}

function mayAdd(file: FileSummary, side: "perpetrator" | "victim"): boolean {
  const task = recordType("task");
  return file.open && task !== undefined && (task.files[file.kind]?.includes(side) ?? false) && task.writers.includes(file.role);
}

function AddTask({ files }: { readonly files: readonly FileSummary[] }): JSX.Element | null {
  const { router } = useSession();
  if (files.length === 0) return null;
  return (
    <Details summary="Add a task">
      <ul class="govuk-list">
        {files.map((file) => (
          <li key={file.id}>
            <LinkButton onPress={() => router.go({ at: "write", file: file.id, type: "task", draft: newDraft(), then: "back" })}>For {file.title}</LinkButton>
          </li>
        ))}
      </ul>
    </Details>
  );
}

function Orders({ orders }: { readonly orders: readonly OrderRuns[] }): JSX.Element | null {
  const { router } = useSession();
  if (orders.length === 0) return null;
  return (
    <section aria-label="Orders">
      <Section>Orders</Section>
      <Body>These times remind you. Look at the paper before you rely on them.</Body>
      <ul class="govuk-list app-cards">
        {orders.map((one) => (
          <li class={one.state === "over" || one.state === "maybe_over" ? "app-card app-card--late" : "app-card"} key={`${one.file} ${one.record}`}>
            <LinkButton onPress={() => router.go({ at: "record", file: one.file, record: one.record })} about={one.title}>
              {one.kind}
            </LinkButton>
            <p class="app-card__line">{one.title}</p>
            <p class="app-card__line">{orderWords(one)}</p>
            {(one.unsure || one.doNotRaise) && (
              <p class="app-card__line app-marks">
                {one.unsure && <Tag colour="orange">Not certain</Tag>} {one.doNotRaise && <Badge colour="red">Do not raise</Badge>}
              </p>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
