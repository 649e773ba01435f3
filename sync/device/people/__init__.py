"""Who is in which file, who keeps a place on a side, and what brings a file back when nobody can open it."""
