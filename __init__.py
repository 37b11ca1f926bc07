"""Prompt-to-Prompt image editing (Hertz et al. 2022) for ComfyUI."""

from .p2p_attention.host.version import check_version

check_version()

from comfy_api.latest import ComfyExtension, io

from .nodes import NODES
from .nodes.unfold import unfold
from .p2p_attention.host import align_route, files_route, unfold_route

WEB_DIRECTORY = "./web"


class PromptToPromptExtension(ComfyExtension):
    """Registers the pack's nodes."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        """All nodes of the pack."""
        return NODES


async def comfy_entrypoint() -> PromptToPromptExtension:
    """Called by the host when it loads the pack."""
    align_route.register()
    files_route.register()
    unfold_route.register(unfold)
    return PromptToPromptExtension()
