"""What becomes of a pushed entry: the rules of docs/spec.md §3.1, in their order, on states held in memory."""
