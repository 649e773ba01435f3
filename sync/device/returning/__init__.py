"""Returns for funders, on disk and as pictures."""
