/** One answer, or several, out of what there is: radios and checkboxes, with a search above them where there are many. */
import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import { LinkButton } from "../../components/basics";
import { boxOf, isSet, wordsOf } from "../boxes";
import { type Choice, idOf, useForm } from "../context";
import { type Field, MISSING, YES_NO, sentence } from "../schema";
import { type ControlProps, Grouped } from "./parts";

const MANY = 12;
/** The commonest reason stands by itself, or first; the others behind one more tap, or after it. */
const COMMONEST = "not_known";
const REASONS = [...MISSING].sort((a, b) => Number(b.code === COMMONEST) - Number(a.code === COMMONEST));

const choicesOf = (field: Field, choices: (field: Field) => readonly Choice[]): readonly Choice[] => {
  if (field.kind === "yn") return YES_NO.map(({ code, label }) => ({ id: code, label }));
  if (field.kind === "code" || field.kind === "codes") {
    return field.terms.map(({ code, label, under }) => ({ id: code, label, ...(under === undefined ? {} : { hint: under }) }));
  }
  return choices(field);
};

/** What is chosen and is no longer, or not yet, in the list is shown all the same. */
const withStrangers = (known: readonly Choice[], chosen: readonly string[]): readonly Choice[] => [
  ...known,
  ...chosen
    .filter((id) => !known.some((choice) => choice.id === id))
    .map((id) => ({ id, label: id.includes("-") ? "Something that is not on this phone" : sentence(id.replaceAll("_", " ")) })),
];

interface ItemProps {
  readonly id: string;
  readonly type: "radio" | "checkbox";
  readonly name: string;
  readonly choice: Choice;
  readonly checked: boolean;
  readonly onChoose: () => void;
}

function Item({ id, type, name, choice, checked, onChoose }: ItemProps): JSX.Element {
  const kind = type === "radio" ? "radios" : "checkboxes";
  const { hint } = choice;
  return (
    <div class={`govuk-${kind}__item`}>
      <input
        class={`govuk-${kind}__input`}
        id={id}
        name={name}
        type={type}
        value={choice.id}
        checked={checked}
        autocomplete="off"
        aria-describedby={hint === undefined ? undefined : `${id}-hint`}
        onChange={onChoose}
      />
      <label class={`govuk-label govuk-${kind}__label`} for={id}>
        {choice.label}
      </label>
      {hint !== undefined && (
        <div class={`govuk-hint govuk-${kind}__hint`} id={`${id}-hint`}>
          {hint}
        </div>
      )}
    </div>
  );
}

interface ListProps extends ControlProps {
  readonly children: (shown: readonly Choice[]) => ComponentChildren;
  readonly all: readonly Choice[];
  readonly chosen: readonly string[];
}

/** The list, and above a long one a box that shortens it. What is chosen stays in sight. */
function Searchable({ field, path, all, chosen, children }: ListProps): JSX.Element {
  const [search, setSearch] = useState("");
  if (all.length <= MANY) return <>{children(all)}</>;
  const words = search.toLowerCase().split(" ");
  const fits = (choice: Choice): boolean => words.every((word) => `${choice.label} ${choice.hint ?? ""}`.toLowerCase().includes(word));
  const shown = all.filter((choice) => chosen.includes(choice.id) || fits(choice));
  const id = `${idOf(path)}-search`;
  return (
    <>
      <div class="app-search">
        <label class="govuk-label" for={id}>
          Search<span class="govuk-visually-hidden"> in {field.label}</span>
        </label>
        <input class="govuk-input" id={id} type="text" autocomplete="off" value={search} onInput={(event) => setSearch(event.currentTarget.value)} />
        <p class="govuk-hint app-search__count" aria-live="polite">
          {search === "" ? `${all.length} to choose from` : `${shown.length} of ${all.length} shown`}
        </p>
      </div>
      <div class="app-search__list">{children(shown)}</div>
    </>
  );
}

const NothingToChoose = ({ field }: { readonly field: Field }): JSX.Element => (
  <p class="govuk-body app-quiet">{field.kind.startsWith("user") ? "Nobody to choose from yet." : "Nothing to choose from yet."}</p>
);

export function Radios({ field, path }: ControlProps): JSX.Element {
  const { typed, before, put, choices } = useForm();
  const chosen = typed[path] ?? "";
  const reason = typed[`${path}.none`] ?? "";
  const all = withStrangers(choicesOf(field, choices), chosen === "" ? [] : [chosen]);
  const wasSaid = (before[path] ?? before[`${path}.none`]) !== undefined;
  return (
    <Grouped field={field} path={path}>
      {all.length === 0 && !field.missing ? (
        <NothingToChoose field={field} />
      ) : (
        <div class="govuk-radios">
          <Searchable field={field} path={path} all={all} chosen={[chosen]}>
            {(shown) =>
              shown.map((choice, index) => (
                <Item
                  key={choice.id}
                  id={index === 0 ? idOf(path) : `${idOf(path)}-${choice.id}`}
                  type="radio"
                  name={path}
                  choice={choice}
                  checked={reason === "" && chosen === choice.id}
                  onChoose={() => put({ [path]: choice.id, [`${path}.none`]: "" })}
                />
              ))
            }
          </Searchable>
          {field.missing && <Reasons path={path} name={path} label={field.label} />}
        </div>
      )}
      {!wasSaid && (chosen !== "" || reason !== "") && (
        <LinkButton about={`to “${field.label}”`} onPress={() => put({ [path]: "", [`${path}.none`]: "" })}>
          Clear answer
        </LinkButton>
      )}
    </Grouped>
  );
}

/** Why there is no answer: beside the answers, and never one of them. */
function Reasons({ path, name, label }: { readonly path: string; readonly name: string; readonly label: string }): JSX.Element {
  const { typed, put } = useForm();
  const reason = typed[`${path}.none`] ?? "";
  const [opened, setOpened] = useState(false);
  const other = reason !== "" && reason !== COMMONEST;
  const choose = (code: string): void => {
    setOpened(code !== COMMONEST);
    put({ [path]: "", [`${path}.none`]: code });
  };
  const item = (code: string, words: string): JSX.Element => (
    <Item
      key={code}
      id={`${idOf(path)}-none-${code}`}
      type="radio"
      name={name}
      choice={{ id: `none:${code}`, label: words }}
      checked={reason === code}
      onChoose={() => choose(code)}
    />
  );
  const [first, ...rest] = REASONS;
  return (
    <>
      <div class="govuk-radios__divider">or</div>
      {first !== undefined && item(first.code, first.label)}
      {opened || other ? (
        rest.map(({ code, label: words }) => item(code, words))
      ) : (
        <LinkButton about={`to “${label}”`} onPress={() => setOpened(true)}>
          Another reason for no answer
        </LinkButton>
      )}
    </>
  );
}

export function Checkboxes({ field, path }: ControlProps): JSX.Element {
  const { typed, put, choices } = useForm();
  const chosen = wordsOf(typed[path]);
  const all = withStrangers(choicesOf(field, choices), chosen);
  const turn = (id: string): void => {
    const next = chosen.includes(id) ? chosen.filter((one) => one !== id) : [...chosen, id];
    put({ [path]: boxOf(next) });
  };
  return (
    <Grouped field={field} path={path} hint={isSet(field) && all.length > 1 ? "Choose all that apply." : undefined}>
      {all.length === 0 ? (
        <NothingToChoose field={field} />
      ) : (
        <div class="govuk-checkboxes">
          <Searchable field={field} path={path} all={all} chosen={chosen}>
            {(shown) =>
              shown.map((choice, index) => (
                <Item
                  key={choice.id}
                  id={index === 0 ? idOf(path) : `${idOf(path)}-${choice.id}`}
                  type="checkbox"
                  name={path}
                  choice={choice}
                  checked={chosen.includes(choice.id)}
                  onChoose={() => turn(choice.id)}
                />
              ))
            }
          </Searchable>
        </div>
      )}
    </Grouped>
  );
}

/** Under a box that is typed into: why nothing is. A reason empties the box, and typing takes the reason back. */
export function NoAnswer({ field, path, boxes }: ControlProps & { readonly boxes: readonly string[] }): JSX.Element | null {
  const { typed, put } = useForm();
  const reason = typed[`${path}.none`] ?? "";
  if (!field.missing) return null;
  const empty = Object.fromEntries(boxes.map((box) => [box, ""]));
  const said = MISSING.find((one) => one.code === reason)?.label;
  return (
    <details class="govuk-details app-no-answer" open={reason !== ""}>
      <summary class="govuk-details__summary">
        <span class="govuk-details__summary-text">
          {said === undefined ? "No answer to give" : `No answer: ${said.toLowerCase()}`}
          <span class="govuk-visually-hidden"> to “{field.label}”</span>
        </span>
      </summary>
      <div class="govuk-details__text">
        <div class="govuk-radios govuk-radios--small" role="radiogroup" aria-label={`Why there is no answer to “${field.label}”`}>
          {REASONS.map(({ code, label }) => (
            <Item
              key={code}
              id={`${idOf(path)}-none-${code}`}
              type="radio"
              name={`${path}.none`}
              choice={{ id: code, label }}
              checked={reason === code}
              onChoose={() => put({ ...empty, [`${path}.none`]: code })}
            />
          ))}
        </div>
        {reason !== "" && (
          <LinkButton about={`to “${field.label}”`} onPress={() => put({ [`${path}.none`]: "" })}>
            Clear reason
          </LinkButton>
        )}
      </div>
    </details>
  );
}
