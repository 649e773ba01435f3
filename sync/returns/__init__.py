"""Returns: what a side tells those who pay for it, computed from its own files (docs/returns.md).  Tables: shared_schema/returns/.

Pure. `cases` says what a record counts as, `counting` counts, `derived` has the rows that no field holds, `checking` compares figures that have to agree,
`assembling` puts the parts of two sides beside each other without joining a row; `publishing` makes the form that anybody may see, of what `relating` says of
cells and `deriving` works out.
"""
