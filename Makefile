PYTHON ?= python3
# `make test HOST=0.24.0` takes an older ComfyUI, of those that tools/host.py knows; HOST in the environment is the shell's
RUN := $(if $(filter command,$(firstword $(origin HOST))),P2P_HOST=$(HOST) )$(PYTHON) tools/host.py

.PHONY: check demo test test-editor format workflows thumbnails screenshots locales samplers companions bench bench-inversion bench-quality bench-prompts soak hosts static-checks train judge

demo:  ## edit a picture inside a real ComfyUI
	@$(RUN) tools/demo.py

check:  ## format, lint, types and the pure tests without ComfyUI, under a minute; PYTHON=python3.10 takes that Python
	@$(PYTHON) tools/check.py

test:  ## format, lint, types, tests
	@$(RUN) -m ruff format --check .
	@$(RUN) -m ruff check .
	@$(RUN) -m mypy
	@$(RUN) -m pytest -n auto --dist loadfile tests/pure tests/host tests/browser/test_running.py tests/browser/test_help.py

test-editor:  ## all tests of the graph editor in a real browser, a few minutes
	@$(RUN) -m pytest tests/browser

format:  ## put the code into shape
	@$(RUN) -m ruff format .
	@$(RUN) -m ruff check --fix .

workflows:  ## write the shared workflows anew
	@$(RUN) tools/workflows.py

thumbnails:  ## run the shared workflows and write their pictures for the template browser
	@$(RUN) tools/thumbnails.py

screenshots:  ## write the screenshots of docs/screens, from the browser tests
	@P2P_SCREENSHOTS=1 $(RUN) -m pytest tests/browser

locales:  ## write the English locale files from the nodes' schemas
	@$(RUN) tools/locales.py

samplers:  ## measure every sampler with every scheduler on each kind of model, into docs/samplers.md
	@P2P_ALL_SAMPLERS=1 $(RUN) -m pytest -q tests/host/test_samplers.py -k write_the_tables --timeout=6000

companions:  ## other nodes beside an edit: every cell of docs/companions.md, on every kind of model
	@P2P_ALL_COMPANIONS=1 $(RUN) -m pytest -q -n auto tests/host/test_companions_table.py

bench:  ## what an edit costs, as a ratio to plain generation, into docs/cost.md
	@$(RUN) -m lab.bench.cost $(ARGS)

bench-inversion:  ## how well real pictures are edited, into docs/inversion.md
	@$(RUN) -m lab.bench.inversion $(ARGS)

bench-quality:  ## how well generated pictures are edited, into docs/quality.md; or CHECKPOINT=… PROMPTS=… of your own
	@$(RUN) -m lab.bench.quality $(if $(CHECKPOINT),--checkpoint "$(CHECKPOINT)") $(if $(PROMPTS),--prompts "$(PROMPTS)") $(ARGS)

bench-prompts:  ## how pairs of prompts are read and aligned, into docs/prompts.md
	@$(RUN) -m lab.bench.prompts $(ARGS)

soak:  ## 30,000 hostile cases and 500 queue runs on one server, into docs/reliability.md
	@$(RUN) -m lab.bench.soak $(ARGS)

hosts:  ## the edits of every family on every ComfyUI that tools/host.py knows, into docs/hosts.md
	@$(PYTHON) tools/hosts.py $(ARGS)

static-checks:  ## what comfy-cli, comfy-test, comfy-lint and comfy-import-guard say of the pack (docs/reliability.md)
	@$(RUN) tools/static_checks.py

train:  ## train the demo models, or go on training them
	@$(RUN) -m lab.training.everything $(ARGS)

judge:  ## measure a demo model with the judge: ARGS="unet --prompts 200"
	@$(RUN) -m lab.training.measure $(ARGS)
