"""The rules of replication: pure functions over frozen values; clock and randomness are arguments."""
