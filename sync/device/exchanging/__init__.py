"""Reconciling with the server: sealed, pushed, pulled, proved, opened."""
