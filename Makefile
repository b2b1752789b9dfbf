PYTHON ?= python3
BIN = .venv/bin

.PHONY: sweep test lint smoke figures docs clean

sweep: .venv/ready  ## run the default sweep, print its front and a robust design, draw both
	$(BIN)/sushi-dse sweep --out results/default
	$(BIN)/sushi-dse pareto robust results/default --draws 32 --plot results/default/robust.png
	$(BIN)/sushi-dse pareto plot results/default --out results/default/front.png

test: .venv/ready lint  ## lint, types and tests; PYTEST adds options
	$(BIN)/pytest -n 2 --dist worksteal $(PYTEST)

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

smoke: .venv/ready  ## the README's other commands, and the sdist's wheel in a bare environment
	rm -rf build/smoke && mkdir -p build/smoke
	$(BIN)/sushi-dse sweep --hw tests/data/tiny.yaml --out build/smoke/results
	$(BIN)/sushi-dse pareto show build/smoke/results --objective p99_latency_ms --objective dsp
	$(BIN)/sushi-dse pareto plot build/smoke/results --out build/smoke/front.svg
	$(BIN)/sushi-dse pareto hypervolume build/smoke/results
	$(BIN)/sushi-dse compare policies --fail-if 'sushi.mean_latency_ms > no-sgs.mean_latency_ms'
	$(BIN)/sushi-dse cost --subnet F --subgraph F/value
	$(BIN)/sushi-dse validate
	$(BIN)/sushi-dse calibrate --out build/smoke/board.yaml
	$(BIN)/sushi-dse trace generate --arrivals poisson --out build/smoke/trace.csv
	$(BIN)/sushi-dse trace describe build/smoke/trace.csv
	$(BIN)/sushi-dse describe policy sushi
	$(BIN)/python -m build --outdir build/smoke/dist  # the sdist, and from it the wheel
	$(BIN)/twine check --strict build/smoke/dist/*
	$(PYTHON) -m venv build/smoke/fresh
	build/smoke/fresh/bin/pip install --quiet --disable-pip-version-check --constraint constraints.txt build/smoke/dist/*.whl
	cd build/smoke && fresh/bin/sushi-dse doctor
	cd build/smoke && fresh/bin/sushi-dse sweep --hw kv260 --out from-the-wheel
	cd build/smoke && fresh/bin/python ../../examples/first_look.py

figures: .venv/ready  ## what README and docs show
	$(BIN)/python -m docs.build.generate

docs: .venv/ready  ## the site, into build/site
	$(BIN)/mkdocs build --strict

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

clean:
	rm -rf .venv build dist *.egg-info
