"""The pack's nodes, one file per step of a user's work."""

from .attention_controller import AttentionController
from .attention_maps import AttentionMaps
from .blend_mask import BlendMask
from .ddim_inversion import DDIMInversion
from .encode_prompt_pair import EncodePromptPair
from .load_demo_model import LoadDemoModel
from .local_blend import LocalBlend
from .refine import Refine
from .reweight import Reweight
from .watch_words import WatchWords
from .word_swap import WordSwap

NODES = [
    EncodePromptPair,
    WordSwap,
    Refine,
    Reweight,
    LocalBlend,
    WatchWords,
    AttentionController,
    BlendMask,
    AttentionMaps,
    DDIMInversion,
    LoadDemoModel,
]
