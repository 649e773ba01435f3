/** Patterns of the GOV.UK Design System and of the Ministry of Justice pattern library, with what they need and no more. */
import { type ComponentChildren, type JSX, h } from "preact";

export type Colour = "blue" | "green" | "red" | "orange" | "yellow" | "grey" | "purple" | "teal" | "magenta";

export const Tag = ({ colour, children }: { readonly colour: Colour; readonly children: ComponentChildren }): JSX.Element => (
  <strong class={`govuk-tag govuk-tag--${colour}`}>{children}</strong>
);

type BadgeColour = "black" | "blue" | "bright-purple" | "green" | "grey" | "orange" | "purple" | "red";

export const Badge = ({ colour, children }: { readonly colour: BadgeColour; readonly children: ComponentChildren }): JSX.Element => (
  <span class={`moj-badge moj-badge--${colour}`}>{children}</span>
);

export interface SummaryRow {
  readonly key: string;
  readonly value: ComponentChildren;
  readonly actions?: ComponentChildren;
}

export const SummaryList = ({ rows }: { readonly rows: readonly SummaryRow[] }): JSX.Element => (
  <dl class="govuk-summary-list">
    {rows.map(({ key, value, actions }) => (
      <div key={key} class={`govuk-summary-list__row${actions === undefined ? " govuk-summary-list__row--no-actions" : ""}`}>
        <dt class="govuk-summary-list__key">{key}</dt>
        <dd class="govuk-summary-list__value">{value}</dd>
        {actions !== undefined && <dd class="govuk-summary-list__actions">{actions}</dd>}
      </div>
    ))}
  </dl>
);

type Alarm = "information" | "success" | "warning" | "error";

const SHAPES: Readonly<Record<Alarm, JSX.Element>> = {
  information: <path d="M15 2a13 13 0 1 0 0 26 13 13 0 0 0 0-26zm-1.7 5.6h3.4V11h-3.4zm0 5.2h3.4v9.6h-3.4z" fill-rule="evenodd" />,
  success: <path d="M11 22.4 4.7 16l-2.2 2.3L11 27 28 9.4 25.7 7z" transform="translate(0 -2)" />,
  warning: <path d="M15 2 1 27.5h28zM13.4 11h3.2v9h-3.2zm0 11h3.2v3.2h-3.2z" fill-rule="evenodd" />,
  error: <path d="M9 1h12l8 8v12l-8 8H9l-8-8V9zM13.2 7.5v10h3.6v-10zm0 12.5v3.5h3.6V20z" fill-rule="evenodd" />,
};

interface AlertProps {
  readonly kind: Alarm;
  readonly heading: string;
  readonly children?: ComponentChildren;
  /** Said at once to those who listen; otherwise it is read where it stands. */
  readonly now?: boolean;
}

export function Alert({ kind, heading, children, now = false }: AlertProps): JSX.Element {
  return (
    <div class={`moj-alert moj-alert--${kind}`} role={now ? "alert" : "region"} aria-label={`${kind}: ${heading}`}>
      <div>
        <svg class="moj-alert__icon" role="presentation" focusable="false" viewBox="0 0 30 30" height="30" width="30">
          {SHAPES[kind]}
        </svg>
      </div>
      <div class="moj-alert__content">
        <h2 class="moj-alert__heading">{heading}</h2>
        {children}
      </div>
    </div>
  );
}

export interface TimelineItem {
  readonly id: string;
  readonly title: ComponentChildren;
  readonly by: string;
  readonly when: string;
  /** For machines: the moment as the record has it. */
  readonly at?: string;
  readonly marks?: ComponentChildren;
  readonly children?: ComponentChildren;
}

interface TimelineProps {
  readonly items: readonly TimelineItem[];
  /** Of the titles: one below the heading that the line stands under. */
  readonly level?: 2 | 3;
}

export const Timeline = ({ items, level = 3 }: TimelineProps): JSX.Element => (
  <ol class="moj-timeline app-timeline">
    {items.map(({ id, title, by, when, at, marks, children }) => (
      <li class="moj-timeline__item" key={id}>
        <div class="moj-timeline__header">
          {h(`h${level}`, { class: "moj-timeline__title" }, title)} <p class="moj-timeline__byline">by {by}</p>
        </div>
        <p class="moj-timeline__date">
          {at === undefined ? when : <time dateTime={at}>{when}</time>} {marks}
        </p>
        {children !== undefined && <div class="moj-timeline__description">{children}</div>}
      </li>
    ))}
  </ol>
);

export interface Task {
  readonly id: string;
  readonly title: string;
  readonly hint?: string;
  readonly status: ComponentChildren;
  readonly onOpen?: () => void;
}

export const TaskList = ({ tasks }: { readonly tasks: readonly Task[] }): JSX.Element => (
  <ul class="govuk-task-list">
    {tasks.map(({ id, title, hint, status, onOpen }) => (
      <li class={`govuk-task-list__item${onOpen === undefined ? "" : " govuk-task-list__item--with-link"}`} key={id}>
        <div class="govuk-task-list__name-and-hint">
          {onOpen === undefined ? (
            <div>{title}</div>
          ) : (
            <button type="button" class="app-link-button" aria-describedby={`${id}-status`} onClick={onOpen}>
              {title}
            </button>
          )}
          {hint !== undefined && <div class="govuk-task-list__hint">{hint}</div>}
        </div>
        <div class="govuk-task-list__status" id={`${id}-status`}>
          {status}
        </div>
      </li>
    ))}
  </ul>
);
