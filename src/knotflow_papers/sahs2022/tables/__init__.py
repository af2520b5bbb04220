"""The tables of Sahs et al. (2022), one module each."""
