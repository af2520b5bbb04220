"""Statements about these networks that are in neither paper."""
