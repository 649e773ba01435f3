# Two commands matter: `make demo` and `make test`. Both prepare what they need in .venv.
PYTHON ?= python3
BIN := .venv/bin
JOBS ?= 2

.PHONY: demo test bench check setup lock soak clean

demo: setup
	$(BIN)/fieldkeep demo

test: check
	$(BIN)/pytest -n $(JOBS) --dist worksteal

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/check_migrations.py
	$(BIN)/python scripts/make_docs.py --check

bench: setup
	$(BIN)/python -m bench

soak: setup
	$(BIN)/python -m tests.simulation --histories 100000 --seed 1

setup: .venv/ready

.venv/ready: requirements.lock pyproject.toml
	sh scripts/setup.sh $(PYTHON)

# For maintainers: resolve again. The lock names no package registry.
lock:
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header \
		--extra dev pyproject.toml -o requirements.lock

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
