"""The one room that touches ComfyUI."""
