PYTHON ?= python3
HOST := $(PYTHON) tools/host.py

.PHONY: demo test test-editor format workflows thumbnails screenshots locales samplers bench bench-inversion bench-quality soak train judge

demo:  ## edit a picture inside a real ComfyUI
	@$(HOST) tools/demo.py

test:  ## format, lint, types, tests
	@$(HOST) -m ruff format --check .
	@$(HOST) -m ruff check .
	@$(HOST) -m mypy
	@$(HOST) -m pytest -n auto --dist loadfile tests/pure tests/host tests/browser/test_running.py

test-editor:  ## all tests of the graph editor in a real browser, a few minutes
	@$(HOST) -m pytest tests/browser

format:  ## put the code into shape
	@$(HOST) -m ruff format .
	@$(HOST) -m ruff check --fix .

workflows:  ## write the shared workflows anew
	@$(HOST) tools/workflows.py

thumbnails:  ## run the shared workflows and write their pictures for the template browser
	@$(HOST) tools/thumbnails.py

screenshots:  ## write the screenshots of docs/screens, from the browser tests
	@P2P_SCREENSHOTS=1 $(HOST) -m pytest tests/browser

locales:  ## write the English locale files from the nodes' schemas
	@$(HOST) tools/locales.py

samplers:  ## measure every sampler with every scheduler, into docs/samplers.md
	@P2P_ALL_SAMPLERS=1 $(HOST) -m pytest -q tests/host/test_samplers.py -k write_the_table --timeout=3000

bench:  ## what an edit costs, as a ratio to plain generation, into docs/cost.md
	@$(HOST) -m bench.cost $(ARGS)

bench-inversion:  ## how well real pictures are edited, into docs/inversion.md
	@$(HOST) -m bench.inversion $(ARGS)

bench-quality:  ## how well generated pictures are edited, into docs/quality.md; or CHECKPOINT=… PROMPTS=… of your own
	@$(HOST) -m bench.quality $(if $(CHECKPOINT),--checkpoint "$(CHECKPOINT)") $(if $(PROMPTS),--prompts "$(PROMPTS)") $(ARGS)

soak:  ## 20,000 hostile cases and 500 queue runs on one server, into docs/reliability.md
	@$(HOST) -m bench.soak $(ARGS)

train:  ## train the demo model, or go on training it (options: ARGS="--steps 20000")
	@$(HOST) -m demo.train $(ARGS)

judge:  ## measure the demo model with the judge
	@$(HOST) -m demo.measure $(ARGS)
