"""Small runs of every command, and what they said and wrote, frozen."""
