"""InvMM: the noise, and the prompt, that give an image back."""
