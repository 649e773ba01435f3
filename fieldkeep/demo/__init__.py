"""`fieldkeep demo`: a home visit, played with real processes and sockets."""
