"""Records: written, checked, found, shown, in conflict, read, due."""
