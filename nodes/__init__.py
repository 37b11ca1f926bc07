"""The pack's nodes, one file per step of a user's work."""

from .attention_controller import AttentionController
from .blend_mask import BlendMask
from .ddim_inversion import DDIMInversion
from .encode_prompt_pair import EncodePromptPair
from .load_demo_model import LoadDemoModel
from .local_blend import LocalBlend
from .refine import Refine
from .reweight import Reweight
from .word_swap import WordSwap

NODES = [
    EncodePromptPair,
    WordSwap,
    Refine,
    Reweight,
    LocalBlend,
    AttentionController,
    BlendMask,
    DDIMInversion,
    LoadDemoModel,
]
