"""Edits inside attention: what a call of a layer is told, and how maps are edited and read without being built."""
