PYTHON ?= python3
BIN = .venv/bin

.PHONY: sweep test lint figures clean

sweep: .venv/ready  ## run the default sweep, print its front and draw it
	$(BIN)/sushi-dse sweep --out results/default
	$(BIN)/sushi-dse pareto plot results/default --out results/default/front.png

test: .venv/ready lint  ## lint, types and tests
	$(BIN)/pytest -n 2 --cov --cov-report=term

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

clean:
	rm -rf .venv build dist *.egg-info
