"""Exchanges of the laboratory, by subject."""
