/** A table that is wider than a phone scrolls by itself, also with the keyboard: the page does not. */
import type { ComponentChildren, JSX } from "preact";

export const Scroll = ({ label, children }: { readonly label: string; readonly children: ComponentChildren }): JSX.Element => (
  <div class="app-scroll" role="region" aria-label={label} tabIndex={0}>
    {children}
  </div>
);
