"""What travels: encodings, typed values, limits, errors, roles and record schemas. Standard library only."""
