/** A page: one heading, which takes the focus when the page is come to, and the way back. */
import type { ComponentChildren, JSX } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Trouble } from "../device/facade";
import type { Loaded } from "../screens/session";
import { Body, Button } from "./basics";
import { Alert } from "./patterns";

interface PageProps {
  readonly title: string;
  /** What stands small above the title. */
  readonly caption?: string | undefined;
  readonly onBack?: (() => void) | undefined;
  readonly children: ComponentChildren;
}

export function Page({ title, caption, onBack, children }: PageProps): JSX.Element {
  const heading = useRef<HTMLHeadingElement>(null);
  // Before anybody can press a key: taken a moment later, the focus would leave the box that they type in, and keys be lost.
  useLayoutEffect(() => {
    scrollTo(0, 0);
    heading.current?.focus({ preventScroll: true });
  }, []);
  return (
    <>
      {onBack !== undefined && (
        <button type="button" class="govuk-back-link app-back" onClick={onBack}>
          Back
        </button>
      )}
      <main class="govuk-main-wrapper app-main" id="main">
        {caption !== undefined && <span class="govuk-caption-l">{caption}</span>}
        <h1 class="govuk-heading-l app-title" ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {children}
      </main>
    </>
  );
}

interface TroubleProps {
  readonly trouble: Trouble;
  readonly onAgain?: (() => void) | undefined;
}

/** What, why, what to do, and trying again where that may help. */
export const TroubleBox = ({ trouble, onAgain }: TroubleProps): JSX.Element => (
  <Alert kind="error" heading={trouble.what} now>
    <p>
      {trouble.why} {trouble.doThis}
    </p>
    {trouble.again && onAgain !== undefined && (
      <Button look="secondary" onPress={onAgain}>
        Try again
      </Button>
    )}
  </Alert>
);

interface WhenThereProps<T> {
  readonly loaded: Loaded<T>;
  readonly children: (value: T) => ComponentChildren;
}

/** Shows what was asked for when it is there. The store answers at once, so there is no spinner to come and go. */
export function WhenThere<T>({ loaded, children }: WhenThereProps<T>): JSX.Element | null {
  if (loaded.is === "loading") return null;
  return loaded.is === "failed" ? <TroubleBox trouble={loaded.trouble} /> : <>{children(loaded.value)}</>;
}

export const Nothing = ({ words }: { readonly words: string }): JSX.Element => <Body>{words}</Body>;
