"""What of the host and its extra nodes is known by name, because nothing else tells it.

Guidance has no interface that says what it does with a batch: a node hands a bare function or a guider class to the
sampler. So the few that compute across rows are told by the module that they come from, which the host has kept stable
from 0.16.3 on; tests/host/test_guidance.py runs every guidance of the host and fails if a new one belongs here.
"""

COUPLING = {
    "nodes_perpneg": "Perp-Neg",
    "nodes_video_model": "Video Linear or Triangle CFG",
}
"""Guidance that treats the rows of a batch together or unlike, by the module of its function or guider."""

COUPLING_IF = {"nodes_slg": ("Skip Layer Guidance", "rescaling_scale")}
"""Guidance that does so if a setting, which its function has from its node, is not 0."""

ONE_ROW = {("nodes_mahiro", "Mahiro"), ("nodes_lumina2", "RenormCFG"), ("nodes_eps", "TemporalScoreRescaling")}
"""Guidance that takes one number from the batch, or fails with more than one row, but guides rows well one by one: the
module and the class of its node.
"""

STEP_CACHES = {
    "teacache": "TeaCache",
    "magcache": "MagCache",
    "fbcache": "Apply First Block Cache",
    "deepcache": "DeepCache",
    "cachedit": "CacheDiT",
    "wancache": "CacheDiT",
}
"""Other packs' nodes that leave the model, or blocks of it, out of some steps: what the node is called, by what is in
the qualified name of the function that it puts around the model, or in that wrapper's key, in lower case and without
underscores.
"""

SAMPLERS = {
    "dpm_adaptive": "chooses its steps by the error over the whole batch",
    "lcm_upscale": "draws noise of its own for each row",
}
"""Samplers under which equal rows would not stay equal, by the beginning of their function's name."""

DRAW_IN_VAIN = ("sample_res_multistep", "sample_res_multistep_cfg_pp")
"""Samplers that draw noise which they then multiply by nothing."""
