"""A file written out by two people, and checked by anybody."""
