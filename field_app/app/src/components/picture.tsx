/** A picture of a file: small beside what names it, whole when somebody asks. It is opened on this phone, and no address of it outlives the page. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { LinkButton, Quiet } from "./basics";

export type Size = "small" | "whole";
export type LoadPicture = (record: string, size: Size) => Promise<Blob | undefined>;

interface Props {
  readonly record: string;
  readonly label: string;
  readonly load: LoadPicture;
}

type Came = { readonly is: "coming" } | { readonly is: "there"; readonly url: string } | { readonly is: "none" | "failed" };

function usePicture({ record, load }: Props, size: Size): Came {
  const [came, setCame] = useState<Came>({ is: "coming" });
  useEffect(() => {
    let url: string | undefined;
    let current = true;
    setCame({ is: "coming" });
    const show = (blob: Blob | undefined): void => {
      if (!current) return;
      url = blob === undefined ? undefined : URL.createObjectURL(blob);
      setCame(url === undefined ? { is: "none" } : { is: "there", url });
    };
    load(record, size).then(show, () => current && setCame({ is: "failed" }));
    return () => {
      current = false;
      if (url !== undefined) URL.revokeObjectURL(url);
    };
  }, [record, size]);
  return came;
}

export function Picture(props: Props): JSX.Element {
  const [size, setSize] = useState<Size>("small");
  const came = usePicture(props, size);
  const { label } = props;
  return (
    <figure class="app-picture">
      {came.is === "there" && <img class="app-picture__image" src={came.url} alt={label} />}
      {came.is === "failed" && <Quiet>{label}: the picture is not on this phone. It comes when there is a signal.</Quiet>}
      {came.is === "none" && <Quiet>{label}</Quiet>}
      {came.is !== "coming" && (
        <LinkButton about={label} onPress={() => setSize(size === "small" ? "whole" : "small")}>
          {size === "small" ? "Show it whole" : "Show it small"}
        </LinkButton>
      )}
    </figure>
  );
}
