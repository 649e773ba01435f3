"""Faults of real processes and real disks: kills, power cuts, full disks, bad lines, wrong clocks. What was measured is in docs/faults.md."""
