/** The audit log: who wrote, who received, what and when. A part of it at a time, so that ten thousand rows are as quick as ten. */
import type { JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Body, Button, Details, LinkButton } from "../components/basics";
import { Page, TroubleBox, WhenThere } from "../components/page";
import { useAct } from "../screens/session";
import { choicesOf, EVERYTHING, type Filter, picked } from "./filter";
import { Mark } from "./mark";
import type { Overview, Proof, Row } from "./oversight";
import { Scroll } from "./scroll";
import { exact } from "./times";
import { useOversight, useOverview } from "./use";

const PART = 50;

export function AuditTable({ row }: { readonly row: number | undefined }): JSX.Element {
  const loaded = useOverview();
  return (
    <Page title="Audit">
      <WhenThere loaded={loaded}>
        {(overview) => (
          <>
            <Mark overview={overview} />
            {overview.rows.length > 0 && <Rows overview={overview} wanted={row} />}
          </>
        )}
      </WhenThere>
    </Page>
  );
}

function Rows({ overview, wanted }: { readonly overview: Overview; readonly wanted: number | undefined }): JSX.Element {
  const { rows, findings } = overview;
  const [filter, setFilter] = useState<Filter>(EVERYTHING);
  const newest = useMemo(() => [...rows].reverse(), [rows]);
  const found = useMemo(() => picked(newest, filter), [newest, filter]);
  const wrong = useMemo(() => new Set(findings.flatMap(({ row }) => (row === undefined ? [] : [row]))), [findings]);
  const [from, setFrom] = useState(() => (wanted === undefined ? 0 : partOf(newest, wanted)));
  const heading = useRef<HTMLTableElement>(null);
  const change = (next: Filter): void => {
    setFilter(next);
    setFrom(0);
  };
  const turn = (to: number): void => {
    setFrom(to);
    heading.current?.scrollIntoView();
  };
  const shown = found.slice(from, from + PART);
  const count = found.length === 0 ? "No row is like that." : `Rows ${(from + 1).toLocaleString("en-GB")} to ${(from + shown.length).toLocaleString("en-GB")} of ${found.length.toLocaleString("en-GB")}, the newest first.`;
  return (
    <>
      <Filters rows={rows} filter={filter} onChange={change} />
      <div role="status">
        <Body>{count}</Body>
      </div>
      <Scroll label="Audit log">
        <table class="govuk-table app-table" ref={heading}>
          <caption class="govuk-visually-hidden">Audit log, the newest first</caption>
          <thead class="govuk-table__head">
            <tr class="govuk-table__row">
              {["Row", "When", "Who", "Device", "What", "File", "More", "Proof"].map((words) => (
                <th key={words} scope="col" class="govuk-table__header">
                  {words}
                </th>
              ))}
            </tr>
          </thead>
          <tbody class="govuk-table__body">
            {shown.map((row) => (
              <Line key={row.n} row={row} wrong={wrong.has(row.n)} wanted={row.n === wanted} />
            ))}
          </tbody>
        </table>
      </Scroll>
      {found.length > PART && (
        <nav class="govuk-button-group" aria-label="Parts of the audit log">
          <Button look="secondary" onPress={() => turn(Math.max(0, from - PART))} disabled={from === 0}>
            Newer rows
          </Button>
          <Button look="secondary" onPress={() => turn(from + PART)} disabled={from + PART >= found.length}>
            Older rows
          </Button>
        </nav>
      )}
    </>
  );
}

const partOf = (newest: readonly Row[], wanted: number): number => {
  const at = newest.findIndex(({ n }) => n === wanted);
  return at < 0 ? 0 : Math.floor(at / PART) * PART;
};

interface FiltersProps {
  readonly rows: readonly Row[];
  readonly filter: Filter;
  readonly onChange: (filter: Filter) => void;
}

function Filters({ rows, filter, onChange }: FiltersProps): JSX.Element {
  const { persons, devices, files, acts } = useMemo(() => choicesOf(rows), [rows]);
  const boxes = [
    { key: "person", label: "Person", choices: persons },
    { key: "device", label: "Device", choices: devices },
    { key: "file", label: "File", choices: files },
    { key: "act", label: "What", choices: acts },
  ] as const;
  return (
    <Details summary="Show some rows only">
      <div class="app-filters">
        {boxes.map(({ key, label, choices }) => (
          <div class="govuk-form-group" key={key}>
            <label class="govuk-label" for={`filter-${key}`}>
              {label}
            </label>
            <select class="govuk-select" id={`filter-${key}`} value={filter[key]} onChange={(event) => onChange({ ...filter, [key]: event.currentTarget.value })}>
              <option value="">All</option>
              {choices.map((choice) => (
                <option key={choice} value={choice}>
                  {choice}
                </option>
              ))}
            </select>
          </div>
        ))}
        {(["from", "to"] as const).map((key) => (
          <div class="govuk-form-group" key={key}>
            <label class="govuk-label" for={`filter-${key}`}>
              {key === "from" ? "From day" : "To day"}
            </label>
            <input class="govuk-input" id={`filter-${key}`} type="date" autocomplete="off" value={filter[key]} onInput={(event) => onChange({ ...filter, [key]: event.currentTarget.value })} />
          </div>
        ))}
      </div>
      <LinkButton onPress={() => onChange(EVERYTHING)}>Show all rows</LinkButton>
    </Details>
  );
}

function Line({ row, wrong, wanted }: { readonly row: Row; readonly wrong: boolean; readonly wanted: boolean }): JSX.Element {
  const { n, ms, timed, person, device, act, file, detail } = row;
  const oversight = useOversight();
  const [proof, setProof] = useState<Proof>();
  const { busy, trouble, act: doing } = useAct();
  const line = useRef<HTMLTableRowElement>(null);
  useEffect(() => {
    if (wanted) line.current?.scrollIntoView({ block: "center" });
  }, [wanted]);
  const show = (): void => (proof === undefined ? doing(async () => setProof(await oversight.proof(n))) : setProof(undefined));
  return (
    <>
      <tr class={`govuk-table__row${wrong ? " app-wrong" : ""}${wanted ? " app-wanted" : ""}`} ref={line}>
        <th scope="row" class="govuk-table__header">
          {n}
          {wrong && <strong class="app-wrong__mark"> Wrong</strong>}
        </th>
        <td class="govuk-table__cell app-nowrap">{timed ? exact(ms) : ms === 0 ? "Not told" : `After ${exact(ms)}`}</td>
        <td class="govuk-table__cell">{person}</td>
        <td class="govuk-table__cell">{device}</td>
        <td class="govuk-table__cell">{act}</td>
        <td class="govuk-table__cell">{file}</td>
        <td class="govuk-table__cell">{detail}</td>
        <td class="govuk-table__cell">
          <LinkButton onPress={show} disabled={busy} about={`of row ${n}`}>
            {proof === undefined ? "Show" : "Hide"}
          </LinkButton>
        </td>
      </tr>
      {(proof !== undefined || trouble !== undefined) && (
        <tr class="govuk-table__row">
          <td class="govuk-table__cell" colSpan={8}>
            {trouble !== undefined && <TroubleBox trouble={trouble} />}
            {proof !== undefined && <ProofWords proof={proof} />}
          </td>
        </tr>
      )}
    </>
  );
}

const ProofWords = ({ proof: { n, size, leaf, root, path, holds } }: { readonly proof: Proof }): JSX.Element => (
  <div class="app-proof">
    <p class="govuk-body-s">
      <strong>{holds ? `Row ${n} is in the signed tree of ${size} rows: computed here.` : `Row ${n} is NOT in the signed tree of ${size} rows.`}</strong>
    </p>
    <p class="govuk-body-s">Leaf {leaf}</p>
    <ol class="govuk-list govuk-list--number app-proof__path">
      {path.map((hash, i) => (
        <li key={`${i} ${hash}`}>{hash}</li>
      ))}
    </ol>
    <p class="govuk-body-s">Root {root}</p>
  </div>
);
