"""The cheap signals of memorization over a set of images."""
