"""Prompts as their text encoder reads them: words, their positions, and which word of one answers which of another."""
