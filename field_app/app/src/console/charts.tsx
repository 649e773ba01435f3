/** How the side is doing, in bars, and each bar's number in a table beside it. */
import type { JSX } from "preact";
import { Body, Section } from "../components/basics";
import { Page, WhenThere } from "../components/page";
import type { Chart } from "./oversight";
import { useOverview } from "./use";

export function Charts(): JSX.Element {
  const loaded = useOverview();
  return (
    <Page title="Charts">
      <WhenThere loaded={loaded}>
        {({ charts, state }) => (state === "never" ? <Body>Nothing is checked yet.</Body> : charts.map((chart) => <OneChart key={chart.title} chart={chart} />))}
      </WhenThere>
      <Body>When something happened in somebody’s life is sealed: there is no chart of it here.</Body>
    </Page>
  );
}

const [LINE, BAR, LEFT, RIGHT, WIDTH] = [22, 14, 92, 40, 320];

function OneChart({ chart: { title, says, of, what = "Entries", bars } }: { readonly chart: Chart }): JSX.Element {
  return (
    <section>
      <Section>{title}</Section>
      <Body>{says}</Body>
      {bars.length === 0 ? <Body>This computer has not asked yet. “Check what is new” asks.</Body> : <Bars title={title} of={of} what={what} bars={bars} />}
    </section>
  );
}

function Bars({ title, of, what, bars }: Required<Omit<Chart, "says">>): JSX.Element {
  const most = Math.max(1, ...bars.map(({ count }) => count));
  const height = LINE * bars.length;
  const words = bars.map(({ label, count }) => `${label}: ${count}`).join(", ");
  return (
      <div class="app-chart">
        <svg class="app-chart__bars" viewBox={`0 0 ${WIDTH} ${height}`} role="img" aria-label={`${title}. ${words}`}>
          {bars.map(({ label, count }, i) => {
            const long = ((WIDTH - LEFT - RIGHT) * count) / most;
            return (
              <g key={label}>
                <text class="app-chart__label" x={LEFT - 6} y={i * LINE + 15} text-anchor="end">
                  {label}
                </text>
                <rect class="app-chart__bar" x={LEFT} y={i * LINE + (LINE - BAR) / 2} width={long} height={BAR} />
                <text class="app-chart__label" x={LEFT + long + 5} y={i * LINE + 15}>
                  {count}
                </text>
              </g>
            );
          })}
        </svg>
        <table class="govuk-table app-chart__table">
          <caption class="govuk-visually-hidden">{title}</caption>
          <thead class="govuk-table__head">
            <tr class="govuk-table__row">
              <th scope="col" class="govuk-table__header">
                {of}
              </th>
              <th scope="col" class="govuk-table__header govuk-table__header--numeric">
                {what}
              </th>
            </tr>
          </thead>
          <tbody class="govuk-table__body">
            {bars.map(({ label, count }) => (
              <tr class="govuk-table__row" key={label}>
                <th scope="row" class="govuk-table__header">
                  {label}
                </th>
                <td class="govuk-table__cell govuk-table__cell--numeric">{count}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
  );
}
