"""Data sets that are made, not read: exact, seeded, without a licence to mind."""
