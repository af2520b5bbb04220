"""The figures of Williams et al. (2019), one module each, by their numbers in the arXiv version."""
