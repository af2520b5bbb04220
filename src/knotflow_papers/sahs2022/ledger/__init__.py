"""The ledger's entries of Sahs et al. (2022), by section."""
