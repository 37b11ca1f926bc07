"""How each text encoder reads a prompt: from the host's tokens to words with their positions."""
