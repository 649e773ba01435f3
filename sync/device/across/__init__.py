"""What goes to the other side, and what comes from there."""
