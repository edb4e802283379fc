"""Intended against unintended memorization."""
