"""The ledger's entries of Williams et al. (2019), by section."""
