"""Pairs of prompts whose changes are known, and how the pack's reading of them is judged."""
