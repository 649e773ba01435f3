"""Photographs and documents."""
