"""Signals of memorization that cost a few network calls an image."""
