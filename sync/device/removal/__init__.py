"""What two people remove, and how a device forgets it."""
