"""Prompt-to-Prompt attention control (Hertz et al. 2022). Only `host` touches ComfyUI; the rest needs torch alone."""
