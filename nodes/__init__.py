"""The pack's nodes, one file per step of a user's work."""

from .alignment_view import AlignmentView
from .attention_controller import AttentionController
from .attention_maps import AttentionMaps
from .blend_mask import BlendMask
from .compare import Compare
from .contact_sheet import ContactSheet
from .ddim_inversion import DDIMInversion
from .edit import EditNode
from .encode_prompt_pair import EncodePromptPair
from .load_demo_model import LoadDemoModel
from .local_blend import LocalBlend
from .refine import Refine
from .reweight import Reweight
from .virtual_inversion import VirtualInversionNode
from .watch_words import WatchWords
from .window_preset import WindowPreset
from .word_swap import WordSwap

NODES = [
    EditNode,
    EncodePromptPair,
    WordSwap,
    Refine,
    Reweight,
    LocalBlend,
    WatchWords,
    AlignmentView,
    WindowPreset,
    AttentionController,
    BlendMask,
    AttentionMaps,
    Compare,
    ContactSheet,
    DDIMInversion,
    VirtualInversionNode,
    LoadDemoModel,
]
