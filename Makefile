# Two commands matter: `make demo` and `make test`. Both prepare what they need in .venv.
PYTHON ?= python3
BIN := .venv/bin
JOBS ?= 2
# Compiled modules are kept, also where the environment says otherwise: each command of the tests and the demo is a process of its own.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test test-postgresql app app-test bench check setup lock soak faults fuzz strace clean

demo: setup app
	$(BIN)/fieldkeep demo

test: check app-test strace
	$(BIN)/pytest -n $(JOBS) --dist worksteal
	$(BIN)/pytest -n $(JOBS) --dist worksteal --database postgresql $(ON_POSTGRESQL)

# What a server does with its tables, once more on PostgreSQL. With every test: make test-postgresql.
ON_POSTGRESQL := tests/stateful/test_sync_machine.py tests/wall/test_access_matrix.py tests/wall/test_no_such_file.py tests/wall/test_twin_runs.py \
	$(addprefix tests/system/test_,$(addsuffix .py,attachments audit chunk_keeping coming_back erasing expunging grants holding http migrations \
	recovery removed_letters server_state strangers))

test-postgresql: setup
	$(BIN)/pytest -n $(JOBS) --dist worksteal --database postgresql

# The field app: built, and what its own tests say of it, in Node and in Chromium.
app:
	sh scripts/setup_app.sh

app-test: app setup
	sh scripts/setup_browser.sh
	cd field_app && npm run --silent check --workspaces --if-present
	cd field_app && npm run --silent test --workspaces --if-present

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/check_migrations.py
	$(BIN)/python scripts/make_docs.py --check

# Figures beside floors and peers, in one run; the peers are installed under .bench/. BENCH=--quick, BENCH=--no-peers
BENCH ?=
bench: setup
	$(BIN)/python -m bench --json .bench/last.json --chart .bench/peers.svg $(BENCH)

soak: setup
	$(BIN)/python -m tests.simulation --histories 100000 --seed 1 --jobs $(JOBS)

# Kills, power cuts, failing disks, bad lines and a history of twenty devices: hours. What they gave is in docs/faults.md.
faults: setup strace
	$(BIN)/python -m tests.faults all

# Damaged input for every decoder, both implementations of the protocol, and every route: half an hour. What it gave is in docs/faults.md.
FUZZ ?= --minutes 10 --seed 1
fuzz: setup app
	$(BIN)/python -m tests.fuzz $(FUZZ)

# The fault tests record and fail system calls with it.
strace:
	sh scripts/setup_strace.sh

setup: .venv/ready

.venv/ready: requirements.lock pyproject.toml
	sh scripts/setup.sh $(PYTHON)

# For maintainers: resolve again. The lock names no package registry.
lock:
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header \
		--extra dev --extra returns pyproject.toml -o requirements.lock

clean:
	rm -rf .venv .bench .fuzz .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
