"""The ledger's entries that are in neither paper, by subject."""
