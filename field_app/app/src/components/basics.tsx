/** Small pieces of the GOV.UK Design System: words, buttons and messages. */
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";

interface Words {
  readonly children: ComponentChildren;
}

export const Body = ({ children }: Words): JSX.Element => <p class="govuk-body">{children}</p>;

export const Quiet = ({ children }: Words): JSX.Element => <p class="govuk-body-s app-quiet">{children}</p>;

export const Section = ({ children, id }: Words & { readonly id?: string }): JSX.Element => (
  <h2 class="govuk-heading-m" id={id}>
    {children}
  </h2>
);

interface Press extends Words {
  readonly onPress: () => void;
  readonly disabled?: boolean;
  /** Said after the words to those who do not see what stands around them. */
  readonly about?: string;
}

type Look = "plain" | "secondary" | "warning";

export function Button({ children, onPress, disabled, about, look = "plain" }: Press & { readonly look?: Look }): JSX.Element {
  const looks = look === "plain" ? "govuk-button" : `govuk-button govuk-button--${look}`;
  return (
    <button type="button" class={looks} onClick={onPress} disabled={disabled}>
      {children}
      {about && <span class="govuk-visually-hidden"> {about}</span>}
    </button>
  );
}

/** What looks like a link and does something here, so it is a button. */
export function LinkButton({ children, onPress, disabled, about }: Press): JSX.Element {
  return (
    <button type="button" class="app-link-button" onClick={onPress} disabled={disabled}>
      {children}
      {about && <span class="govuk-visually-hidden"> {about}</span>}
    </button>
  );
}

export const Inset = ({ children }: Words): JSX.Element => <div class="govuk-inset-text">{children}</div>;

export const Warning = ({ children }: Words): JSX.Element => (
  <div class="govuk-warning-text">
    <span class="govuk-warning-text__icon" aria-hidden="true">
      !
    </span>
    <strong class="govuk-warning-text__text">
      <span class="govuk-visually-hidden">Warning </span>
      {children}
    </strong>
  </div>
);

interface DetailsProps extends Words {
  readonly summary: string;
  readonly open?: boolean;
  /** For what is worked out only when somebody wants to see it. */
  readonly onOpen?: () => void;
}

export function Details({ summary, children, open = false, onOpen }: DetailsProps): JSX.Element {
  return (
    <details class="govuk-details" open={open} onToggle={(event) => event.currentTarget.open && onOpen?.()}>
      <summary class="govuk-details__summary">
        <span class="govuk-details__summary-text">{summary}</span>
      </summary>
      <div class="govuk-details__text">{children}</div>
    </details>
  );
}

export interface Problem {
  readonly message: string;
  /** The id of what to go to. */
  readonly target?: string;
}

function goTo(id: string): void {
  const target = document.getElementById(id);
  target?.closest("details")?.setAttribute("open", "");
  const label = target?.closest("fieldset")?.querySelector("legend") ?? document.querySelector(`label[for="${CSS.escape(id)}"]`);
  (label ?? target)?.scrollIntoView();
  target?.focus({ preventScroll: true });
}

/** Takes the focus whenever there is something new to say. */
export function ErrorSummary({ title = "There is a problem", problems }: { readonly title?: string; readonly problems: readonly Problem[] }): JSX.Element | null {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (problems.length > 0) box.current?.focus();
  }, [problems]);
  if (problems.length === 0) return null;
  return (
    <div class="govuk-error-summary" ref={box} tabIndex={-1}>
      <div role="alert">
        <h2 class="govuk-error-summary__title">{title}</h2>
        <div class="govuk-error-summary__body">
          <ul class="govuk-list govuk-error-summary__list">
            {problems.map(({ message, target }) => (
              <li key={message + (target ?? "")}>
                {target === undefined ? (
                  message
                ) : (
                  <a
                    href={`#${target}`}
                    onClick={(event) => {
                      event.preventDefault(); // the address is the router's
                      goTo(target);
                    }}
                  >
                    {message}
                  </a>
                )}
              </li>
            ))}
          </ul>
        </div>
      </div>
    </div>
  );
}
