"""Funds, claims, and what was paid with one's own money."""
