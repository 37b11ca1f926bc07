"""A workflow in the making: what the shared workflows (workflows.py) have in common."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from layout import Stage

Node = dict[str, Any]
Link = list[Any]  # a node's number and which of its outputs

OWN_CHECKPOINT = (
    "**Your own checkpoint:** replace *P2P Load Demo Model* with *Load Checkpoint*, and set its pictures' size and "
    "`cfg` to about 7."
)
MODEL, EDIT, SAMPLE, PICTURES = "1 · Model and size", "2 · The edit", "3 · All pictures in one batch", "4 · Pictures"
COMPARE = "For comparison"
SIDE = 128
SIZE = f"Size ({SIDE}×{SIDE} for the demo model)"


@dataclass(frozen=True)
class Sampling:
    """How a run goes, by the names of KSampler's widgets."""

    steps: int = 30
    cfg: float = 4.0
    sampler_name: str = "euler"
    scheduler: str = "normal"


class Workflow:
    """A graph in the making: nodes in the API's form by number, with titles; notes and stages for the editor."""

    def __init__(self, name: str, note: str, own: str = OWN_CHECKPOINT) -> None:
        self.name, self.own = name, own
        self.nodes: dict[str, Node] = {}
        self.notes: dict[str, str] = {}
        self.sampling, self.negative = Sampling(), ""
        self.stages: list[Stage] = []
        for title in (MODEL, EDIT, SAMPLE, PICTURES):
            self.stage(title)
        self.stage(MODEL)
        self.note(note)

    def stage(self, title: str, below: bool = False) -> None:
        """What is added from here on belongs to this stage, which may be there already."""
        found = [stage for stage in self.stages if stage.title == title] or [Stage(title, below)]
        self.stages += [] if found[0] in self.stages else found
        self.now = found[0]

    def note(self, text: str) -> None:
        """Add a note."""
        key = f"note {len(self.notes) + 1}"
        self.notes[key] = text
        self.now.nodes.append(key)

    def add(self, kind: str, title: str, **inputs: Any) -> str:
        """Add a node; returns its number."""
        number = str(len(self.nodes) + 1)
        self.nodes[number] = {"class_type": kind, "inputs": inputs, "_meta": {"title": title}}
        self.now.nodes.append(number)
        return number

    def load_demo(self, model: str = "UNet", title: str = "Model (or your own checkpoint)") -> None:
        """One of the demo models."""
        self.all_in_one(self.add("P2P_LoadDemoModel", title, model=model))

    def all_in_one(self, loader: str) -> None:
        """Take model, text encoder and VAE of one loader, by its number."""
        self.model, self.clip, self.vae = [loader, 0], [loader, 1], [loader, 2]

    def empty(self, title: str = SIZE) -> None:
        """The latent, of the demo models' size."""
        self.latent = [self.add("EmptyLatentImage", title, width=SIDE, height=SIDE, batch_size=1), 0]

    def begin(self, source: str, target: str, more: str = "") -> None:
        """The model and the prompts."""
        self.load_demo()
        self.encode(source, target, more)

    def add_negative(self) -> None:
        """An empty negative prompt, unless there is one."""
        if not self.negative:
            self.negative = self.add("CLIPTextEncode", "Negative prompt", clip=self.clip, text="")

    def drawn(self, prompt: str, seed: int) -> Link:
        """A picture that the model draws for a prompt, where a user has one of their own."""
        self.add_negative()
        said = self.add("CLIPTextEncode", "What is drawn", clip=self.clip, text=prompt)
        self.empty("Its size")
        samples = self.sample("A picture", self.model, [said, 0], self.latent, seed)
        return [self.add("VAEDecode", "VAE Decode", samples=[samples, 0], vae=self.vae), 0]

    def encode(self, source: str, target: str, more: str, also_without_edit: bool = False) -> None:
        """The prompts."""
        self.stage(EDIT)
        self.pair = self.add(
            "P2P_EncodePromptPair",
            "Before and after",
            clip=self.clip,
            source_prompt=source,
            target_prompt=target,
            more_targets=more,
            also_without_edit=also_without_edit,
        )
        self.positive, self.edit = [self.pair, 0], [self.pair, 1]

    def then(self, kind: str, title: str, **inputs: Any) -> None:
        """An edit node in the chain."""
        self.stage(EDIT)
        self.edit = [self.add(kind, title, edit=self.edit, **inputs), 0]

    def whole_edit(self, source: str, target: str, **links: Link) -> str:
        """The edit in one node, with what it gets from others; returns its number."""
        self.stage(EDIT)
        return self.add(
            "P2P_Edit",
            "P2P Edit",
            **links,
            source_prompt=source,
            target_prompt=target,
            keep="keep the layout",
            words="",
            also_without_edit=False,
        )

    def invert(self, latent: Link, **links: Link) -> str:
        """DDIM Inversion of a latent under the pair's source, with the model's link; returns its number."""
        return self.add(
            "P2P_DDIMInversion",
            "P2P DDIM Inversion",
            **links,
            positive=[self.pair, 0],
            latent=latent,
            steps=30,
            scheduler="normal",
            method="direct",
            fixed_point_iterations=0,
            solver="explicit",
            steps_per_call=1,
            source_cache=0.0,
        )

    def share(self, prompt: str, title: str) -> None:
        """Give a prompt of the pair a node of its own, above the pair, for others to use as well."""
        inputs = self.nodes[self.pair]["inputs"]
        self.stage(EDIT)
        self.shared = self.add("PrimitiveStringMultiline", title, value=inputs[prompt])
        inputs[prompt] = [self.shared, 0]
        self.now.nodes.insert(0, self.now.nodes.pop())

    def preset(self, name: str) -> tuple[Link, Link]:
        """Window Preset for the model; links to the ends of its windows, of cross-attention and of self-attention."""
        self.stage(EDIT)
        chosen = self.add("P2P_WindowPreset", "P2P Window Preset", preset=name, model=self.model)
        return [chosen, 0], [chosen, 1]

    def swap(self, end: float | Link = 0.8) -> None:
        """A word swap from the beginning; by itself with the usual window."""
        window = {"start_percent": 0.0, "end_percent": end}
        self.then("P2P_WordSwap", "P2P Word Swap", **window, word_windows="", end_percent_sweep="")

    def blend(
        self,
        words: str,
        threshold: float = 0.3,
        resolution: str = "auto",
        mask: Link | None = None,
        mask_use: str = "mask and words",
    ) -> None:
        """A local blend by words, or if empty by those that changed, and by a mask if there is one."""
        self.then(
            "P2P_LocalBlend",
            "P2P Local Blend",
            words=words,
            threshold=threshold,
            start_percent=0.2,
            exclude_words="",
            mask_use=mask_use,
            softness=0.0,
            map_resolution=resolution,
            mask_from="words",
            keep="latent",
            **({"mask": mask} if mask else {}),
        )

    def finish(
        self,
        seed: int,
        latent: Link | None = None,
        inversion: Link | None = None,
        self_end: float | Link = 0.4,
        controller: str = SAMPLE,
    ) -> None:
        """The latent, unless there is one, the Controller, in the stage of that title, the sampler, the pictures."""
        self.stage(MODEL)
        if latent is None:
            self.empty()
        else:
            self.latent = latent
        self.note(self.own)
        self.run(seed, inversion, self_end, controller)
        self.stage(PICTURES)
        self.pictures("Source and edit", self.sampler, self.name)

    def run(
        self,
        seed: int,
        inversion: Link | None = None,
        self_end: float | Link = 0.4,
        controller: str = SAMPLE,
    ) -> None:
        """The Controller, in the stage of that title, and the sampler."""
        self.stage(controller)
        applied = self.add(
            "P2P_AttentionController",
            "P2P Attention Controller",
            model=self.model,
            edit=self.edit,
            latent=self.latent,
            self_start_percent=0.0,
            self_end_percent=self_end,
            self_resolution="1/4",
            source_cache=0.0,
            **({"inversion": inversion} if inversion else {}),
        )
        self.stage(SAMPLE)
        self.add_negative()
        self.sampler = self.sample("All pictures in one batch", [applied, 0], self.positive, [applied, 1], seed)

    def sample(self, title: str, model: Link, positive: Link, latent: Link, seed: int) -> str:
        """The host's ordinary KSampler."""
        return self.add(
            "KSampler",
            title,
            model=model,
            positive=positive,
            negative=[self.negative, 0],
            latent_image=latent,
            seed=seed,
            **asdict(self.sampling),
            denoise=1.0,
        )

    def pictures(self, title: str, samples: str, name: str) -> None:
        """Decode and save."""
        self.decoded = [self.add("VAEDecode", "VAE Decode", samples=[samples, 0], vae=self.vae), 0]
        self.save(title, self.decoded, name)

    def save(self, title: str, images: Link, name: str) -> None:
        """Save pictures."""
        self.add("SaveImage", title, images=images, filename_prefix=f"p2p/{name}")

    def sheet(self, kind: str, name: str, title: str, **inputs: float | Link) -> None:
        """Decode and save all pictures, and the sheet that the node `kind` makes of them under `title`."""
        self.stage(PICTURES)
        self.pictures("All pictures", self.sampler, self.name)
        made = self.add(kind, name, images=self.decoded, edit=self.edit, **inputs)
        self.save(title, [made, 0], f"{self.name}_sheet")
