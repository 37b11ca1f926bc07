"""The pack's nodes, one file per step of a user's work."""

from .attention_controller import AttentionController
from .encode_prompt_pair import EncodePromptPair
from .load_demo_model import LoadDemoModel
from .refine import Refine
from .reweight import Reweight
from .word_swap import WordSwap

NODES = [EncodePromptPair, WordSwap, Refine, Reweight, AttentionController, LoadDemoModel]
