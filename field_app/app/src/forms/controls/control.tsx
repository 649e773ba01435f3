/** The control of a field, by its kind. */
import type { JSX } from "preact";
import { useForm } from "../context";
import { readField } from "../boxes";
import { showValue } from "../show";
import { Files } from "./files";
import { Checkboxes, Radios } from "./options";
import type { ControlProps } from "./parts";
import { Rows } from "./rows";
import { Day, Line, Moment, Text } from "./typed";

/** With `fixed`, the field was saved once and for all, and is only shown. */
export function FieldControl({ field, path, fixed = false }: ControlProps & { readonly fixed?: boolean }): JSX.Element | null {
  if (fixed) return <Fixed field={field} path={path} />;
  const { kind } = field;
  switch (kind) {
    case "code":
    case "yn":
    case "user":
    case "ref":
      return <Radios field={field} path={path} />;
    case "codes":
    case "users":
    case "refs":
      return <Checkboxes field={field} path={path} />;
    case "attachments":
      return <Files field={field} path={path} />;
    case "date":
      return <Day field={field} path={path} />;
    case "when":
      return <Moment field={field} path={path} />;
    case "long":
      return <Text field={field} path={path} />;
    case "list":
      return <Rows field={field} path={path} />;
    case "random_id":
      return <IdOrChoice field={field} path={path} />;
    case "text":
    case "int":
    case "minutes":
    case "pence":
    case "hash":
    case "att":
      return <Line field={field} path={path} />;
    default: {
      const never: never = kind;
      return never;
    }
  }
}

/** An id is chosen where there is something to choose from, and typed by nobody who can help it. */
function IdOrChoice(props: ControlProps): JSX.Element {
  const { choices } = useForm();
  return choices(props.field).length > 0 ? <Radios {...props} /> : <Line {...props} />;
}

function Fixed({ field, path }: ControlProps): JSX.Element | null {
  const { typed, choices } = useForm();
  const read = readField(field, typed, path);
  if (read.is === "empty") return null;
  const text = read.is === "value" ? showValue(field, read.value, (id) => choices(field).find((one) => one.id === id)?.label) : (typed[path] ?? "");
  return (
    <p class="govuk-body">
      <strong>{field.label}</strong>
      <br />
      {text}
    </p>
  );
}
