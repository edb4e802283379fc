"""The package as others get it: built, installed in a fresh environment, and asked."""
