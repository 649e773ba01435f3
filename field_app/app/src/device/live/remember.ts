/** What follows from a value alone is worked out once, and forgotten with the value: a folded record, a fold, a file as it stands. */
export function remembered<Of extends object, T>(work: (of: Of) => T): (of: Of) => T {
  const known = new WeakMap<Of, { readonly is: T }>();
  return (of) => {
    const found = known.get(of) ?? { is: work(of) };
    known.set(of, found);
    return found.is;
  };
}
