"""Inputs that nobody would write, for every decoder, every route, and both implementations of the protocol (docs/faults.md)."""
