"""The entries of Sahs et al. 2022, by section."""
