"""The figures of Sahs et al. (2022), one module each."""
