# Everything a newcomer types. `make help` lists the targets; each one sets up .venv first if it has to.

PROFILE ?= quick
FIG ?= fig4
ARGS ?=
PYTHON ?=
TORCH ?=
GPU_PYTHON ?= python3

VENV := .venv
PY := $(VENV)/bin/python
REPRO := $(VENV)/bin/repro
READY := $(VENV)/.ready
# One thread each: the tests run on every core at once (`make test ARGS="-n 0"`: one after the other).
PYTEST := WANDB_MODE=disabled OMP_NUM_THREADS=1 $(PY) -m pytest
EVERY_CORE := -n logical --maxprocesses 8 --dist worksteal
PIP := $(PY) -c "$$INSTALL"
# Not empty where .venv was made for another folder: moved or copied with it, it would run the code that is there.
MOVED := $(shell [ ! -e $(READY) ] || grep -qsxF -- "$$(pwd -P)" $(VENV)/lib/python*/site-packages/__editable__.repro_povm-*.pth || echo moved)
CANDIDATES := $(or $(PYTHON),python3 python3.11 python3.12 python3.13)
USABLE := import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))

.DEFAULT_GOAL := help
FAULTS := package/test_bad_api cli/test_bad_arguments cli/test_bad_files cli/test_status methods/test_sanity \
  $(addprefix running/test_,busy_points checkpoints clock cluster events status stopping)
FIGURES := fig1 fig2 fig3 fig4 figS1 figS2 figS3 figS4 figS5 frontier ledger methods settings
.PHONY: help setup test test-all test-slurm test-faults docs lint $(FIGURES) all figures publish claims report bench \
  crossing ansatz-limit cross-checks gpu gpu-dry gpu-collect reference rbm dashboard sync lock clean force

help: ## list what can be made (this text)
	@awk 'BEGIN {FS = ":.*## "} /^[a-zA-Z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile
	@echo
	@echo "  PROFILE=smoke|quick|workstation|paper   how much is computed                    (now: $(PROFILE))"
	@echo "  FIG=fig4                    which figure, for publish and reference      (now: $(FIG))"
	@echo "  ARGS='--only NAME ...'      more options for 'repro run'"
	@echo "  PYTHON=/path/to/python3     the interpreter behind .venv, 3.11 or newer"
	@echo "  TORCH=torch==2.12.0         your own torch (a version, a wheel, a folder) in place of the pinned one,"
	@echo "                              for a GPU that the pinned build does not serve: make setup TORCH=..."

# Scripts name the interpreter of the folder that they were installed in, and 'activate' its path.
define REWRITE
import os, pathlib, re
here = os.path.abspath("$(VENV)")
start = f"#!/bin/sh\n'''exec' \"{here}/bin/python\" \"$$0\" \"$$@\"\n' '''\n"
for path in pathlib.Path(here, "bin").iterdir():
    if path.is_symlink() or not path.is_file():
        continue
    old = text = path.read_bytes().decode("utf-8", "surrogateescape")
    text = re.sub(r"\A#!/.*/$(VENV)/bin/python.*\n", lambda _: start, text)
    text = re.sub(r"\A#!/bin/sh\n'''exec' .*/$(VENV)/bin/python.*\n' '''\n", lambda _: start, text)
    if path.name.lower().startswith("activate"):
        text = re.sub(r"(?<=[\"' =])/[^\"'\n]*/$(VENV)(?=[\"'\n])", lambda _: here, text)
    if text != old:
        new = path.with_name(path.name + ".new")
        new.write_bytes(text.encode("utf-8", "surrogateescape"))
        new.chmod(path.stat().st_mode)
        new.replace(path)
endef
export REWRITE

# A user's pip settings say from where packages come, not into which folder or which of them: of files and variables those
# are kept. The variables here are for the listing itself, which other settings would cut or send to another Python.
define INSTALL
import ast, os, subprocess, sys
KEPT = """index-url extra-index-url find-links no-index trusted-host cert client-cert proxy timeout default-timeout retries
    resume-retries cache-dir no-cache-dir keyring-provider use-feature""".split()
ASKED = dict.fromkeys("PIP_QUIET PIP_VERBOSE PIP_USER PIP_GLOBAL PIP_SITE PIP_REQUIRE_VIRTUALENV PIP_DEBUG".split(), "0")
ASKED |= {"PIP_LOG": os.devnull, "_PIP_RUNNING_IN_SUBPROCESS": "1"}
pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input"]
asked = subprocess.run([*pip, "config", "list"], env={**os.environ, **ASKED}, capture_output=True, text=True)
if asked.returncode:
    why = " ".join(asked.stderr.split()).rpartition("Traceback")[2].removeprefix("ERROR: ")[-400:]
    print(f"setup: pip cannot read its settings: {why}", file=sys.stderr)
    sys.exit(2)
given = [line.partition("=") for line in asked.stdout.splitlines()]
chosen = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
for section in ("global.", "install.", ":env:."):
    for key, _, value in given:
        name = key.removeprefix(section)
        if name != key and name in KEPT and ast.literal_eval(value).strip():
            chosen["PIP_" + name.upper().replace("-", "_")] = ast.literal_eval(value)
os.execve(sys.executable, [*pip, "install", "-qq", "--no-user", *sys.argv[1:]], chosen | {"PIP_CONFIG_FILE": os.devnull})
endef
export INSTALL

setup: $(READY) ## build .venv with the pinned packages and the 'repro' command (once; some minutes)

$(READY): pyproject.toml constraints.txt $(if $(TORCH)$(MOVED),force)
	@if ! $(PY) -c '$(USABLE)' >/dev/null 2>&1; then \
	  found=; for python in $(CANDIDATES); do \
	    if "$$python" -c '$(USABLE)' >/dev/null 2>&1; then found="$$python"; break; fi; \
	  done; \
	  if [ -z "$$found" ]; then \
	    echo "setup: no Python >= 3.11 with venv and ensurepip (tried: $(CANDIDATES)); name one with PYTHON=/path/to/python3" >&2; \
	    exit 2; \
	  fi; \
	  echo "setup: $(VENV) with $$($$found --version)"; \
	  "$$found" -m venv --clear $(VENV); \
	fi
	@if [ -n "$(MOVED)" ]; then \
	  echo "setup: $(VENV) was made for another folder (this one was moved or copied): its scripts are rewritten for this one"; \
	  $(PY) -c "$$REWRITE"; \
	fi
	@[ -n "$(MOVED)" -a -z "$(TORCH)" -a -s $(VENV)/constraints.txt ] || \
	  grep -v $(if $(TORCH),'^torch==','^$$') constraints.txt > $(VENV)/constraints.txt
	@echo "setup: installing torch (the largest download; some minutes)"
	@$(PIP) -c $(VENV)/constraints.txt setuptools $(or $(TORCH),torch)
	@echo "setup: installing the other packages of constraints.txt (a few minutes)"
	@$(PIP) -c $(VENV)/constraints.txt --no-build-isolation -e '.[dev]'
	@here="$$(pwd -P)" && cd / && "$$here/$(PY)" -c 'import sys, repro, torch; sys.exit(repro.__path__[0] != sys.argv[1])' \
	  "$$here/repro" && test -x "$$here/$(REPRO)" || \
	  { echo "setup: $(VENV) does not run the code of this folder; remove $(VENV) and run 'make setup' again" >&2; exit 2; }
	@touch $@
	@echo "setup: done; 'source $(VENV)/bin/activate' puts the command 'repro' on your path"

test: setup ## run the tests, but for the slow ones, on every core (also sets up a bare machine)
	@$(PYTEST) $(EVERY_CORE) -m "not slow" --durations=10 $(ARGS)

test-all: setup ## run every test, slow ones included
	@$(PYTEST) $(EVERY_CORE) --durations=20 $(ARGS)

test-slurm: setup ## jobs on a real SLURM of one node, installed with apt-get where it is missing (as root; five minutes)
	@tests/slurm/run.sh $(abspath $(PY))

test-faults: setup ## every fault on purpose: kills, full disks, dead servers, hostile files (half an hour; some need root)
	@$(PYTEST) -s tests/faults $(addprefix tests/,$(addsuffix .py,$(FAULTS))) $(ARGS)

docs: setup ## build the site into site/ (half a minute); open site/index.html
	@NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict --quiet

lint: setup ## ruff (rules and format) and mypy
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy

fig1: ## the strings on the 3x3 lattice (nothing is computed)
fig2: ## time evolution of Heisenberg rings and of the 3x3 lattice
fig3: ## variational steady states of the 16-site Ising ring over the field
fig4: ## steady states of the 3x3 Heisenberg lattice (PROFILE=quick: at most 15 minutes, as for every figure)
figS1: ## second stage of variational-then-dynamics
figS2: ## variational losses
figS3: ## short times at ten times the energy
figS4: ## long times at ten times the energy
figS5: ## repeated runs and their average
frontier: ## beyond exact reach: square lattices up to 6x6, with estimates of the error (workstation: 40 to 90 minutes a point at 5x5, 6x6)
ledger: ## further seeds, losses and faults that the claims need
methods: ## beyond the paper: evolutions by projection beside the paper's objective
settings: ## what the paper does not give: iterations, decay of the rate and draws of a time step

$(FIGURES): setup
	@$(REPRO) run $@ --profile $(PROFILE) $(ARGS)

all: setup ## every figure, points that figures share computed once; finished points are skipped
	@$(REPRO) run all --profile $(PROFILE) $(ARGS)

figures: setup ## redraw every figure from the shipped tables in results/ (seconds)
	@$(REPRO) plot --all

publish: setup ## ship FIG: the best computed profile of each point goes from runs/ to results/
	@$(REPRO) publish $(FIG)

claims: setup ## judge every claim of the paper from the shipped tables: CLAIMS.md, results/claims.csv
	@$(REPRO) claims

report: setup ## one HTML page from the shipped tables: results/report.html (seconds)
	@$(REPRO) report

rbm: setup ## run Fig. 3's competitor, a density matrix as an RBM, with NetKet (hours)
	@$(PIP) -c $(VENV)/constraints.txt --no-build-isolation -e '.[rbm]'
	@$(REPRO) rbm $(ARGS)

dashboard: setup ## a page of this machine with the runs in runs/ while they go on (Ctrl-C closes it)
	@$(REPRO) dashboard --local $(ARGS)

sync: setup ## upload offline wandb runs
	@$(REPRO) sync

crossing: setup ## which tool for which problem: seconds to +-0.01, beside rivals (the shipped table is drawn at once; ARGS='--table new.csv' measures)
	@$(PY) -m benchmarks.crossing $(ARGS)

ansatz-limit: setup ## what the ansatz can hold: fits to samples of exact states (the shipped table is completed; ARGS='--lattice 2x3' adds)
	@$(PY) -m benchmarks.ansatz_limit $(ARGS)

cross-checks: setup ## what tells of the lattices of `frontier` without exact values (states that the shipped table lacks)
	@$(PY) -m benchmarks.cross_checks $(ARGS)

bench: setup ## time the evaluators side by side (ten minutes; ARGS='compare' for a part)
	@$(REPRO) bench $(ARGS)

gpu: ## on a CUDA machine: checks, timings, a trace, missing points, into OUT=folder (eight minutes; no .venv: GPU_PYTHON=python3)
	@$(GPU_PYTHON) -m benchmarks.gpu run --out "$(or $(OUT),$(GPU_OUT))" $(ARGS)

gpu-dry: setup ## rehearse `make gpu` on a CPU, without the packages that a GPU machine may lack (a minute or two)
	@$(PY) -m benchmarks.gpu run --out "$(or $(OUT),runs/gpu-dry)" --device cpu --dry --hide $(ARGS)

gpu-collect: setup ## bring what `make gpu` left in OUT=folder into results/, docs/gpu.md and runs/
	@$(PY) -m benchmarks.gpu collect --out "$(OUT)" $(ARGS)

reference: setup ## compute the exact QuTiP curves and trajectories of FIG
	@$(REPRO) reference $(FIG)

lock: ## write requirements.lock anew from pyproject.toml and constraints.txt (needs uv; a test keeps them equal)
	@uv pip compile --quiet --no-config --custom-compile-command "make lock" --no-annotate --universal \
	  --python-version 3.11 --generate-hashes --extra dev -c constraints.txt pyproject.toml -o requirements.lock

clean: ## remove caches and build leftovers; .venv, runs/ and results/ stay
	@rm -rf build dist site *.egg-info .mypy_cache .ruff_cache .pytest_cache
	@find repro experiments figures tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
