"""The measure InvMM over a set of images: the command, its tables, its scores."""
