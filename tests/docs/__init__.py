"""The documents: every block of code in them is run, or says why not."""
