"""The service: orders, stores and vouches for entries that it cannot read."""
