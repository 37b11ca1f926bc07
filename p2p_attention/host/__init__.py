"""The one folder of the package that touches ComfyUI."""
