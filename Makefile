# make demo   set up, train on the embedded synthetic mice, predict, evaluate, probe, draw (about 12 min)
# make test   set up and run the tests
PYTHON ?= python3
VENV   ?= .venv
DATA   ?= data/demo
DEMO   ?= runs/demo
TIERS  := validation live_main live_bonus final_main final_bonus
PY     := $(VENV)/bin/python
CORES  := $(shell $(PYTHON) -c "import os; print(len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count())")

.PHONY: help install demo physiology oracle test test-slow test-proof golden bench check docs
.DELETE_ON_ERROR:

help:
	@sed -n '1,2s/^# //p' Makefile
	@echo "make test-slow   the tests that take minutes (kills, 8,000 neurons, end to end)"
	@echo "make test-proof  analyses on whole populations whose truth is known (about 35 min)"
	@echo "make golden GOLDEN=folder   all golden cases of that folder, the large ones included"
	@echo "make bench       what the faster paths save, measured (docs/benchmarks.md; about 10 min)"
	@echo "make oracle      the proof of the tuning analyses, 10 populations (about an hour)"
	@echo "make physiology  the tuning analyses of the models of make demo, and what they recover"
	@echo "make most-exciting   stimuli for the ViViT of make demo, shown to the truth too"
	@echo "make closed-loop  stimuli, a simulated day 2, its analysis, and the verdict (about 8 min)"
	@echo "make check       ruff and mypy"
	@echo "make docs        the documentation, every link and flag checked: site/index.html"
	@echo "make install     only set up $(VENV)"

install: $(VENV)/.installed

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "installing viv1t into $(VENV) (first time: a minute or two)"
	$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	$(PY) -m viv1t.model.kernels
	touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "installing viv1t and the tools of its tests into $(VENV)"
	$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	$(PY) -m viv1t.model.kernels
	touch $@ $(VENV)/.installed

$(VENV)/.installed-docs: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "installing viv1t and MkDocs into $(VENV)"
	$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[docs]"
	touch $@

# Every step is a script that continues or reuses what an earlier call left.
demo: $(VENV)/.installed
	$(PY) data/make_synthetic.py --data_dir $(DATA) --preset demo
	$(PY) train.py --data_dir $(DATA) --output_dir $(DEMO)/ln $(shell cat misc/demo_ln.txt)
	$(PY) train.py --data_dir $(DATA) --output_dir $(DEMO)/vivit $(shell cat misc/demo_vivit.txt)
	$(PY) predict.py --data_dir $(DATA) --output_dir $(DEMO)/ln --ds_tier $(TIERS)
	$(PY) predict.py --data_dir $(DATA) --output_dir $(DEMO)/vivit --ds_tier $(TIERS)
	$(PY) misc/evaluate_response.py --data_dir $(DATA) --output_dir $(DEMO)/ln
	$(PY) misc/evaluate_response.py --data_dir $(DATA) --output_dir $(DEMO)/vivit
	OMP_NUM_THREADS=1 $(MAKE) --jobs=$(CORES) --no-print-directory compared short-physiology
	$(PY) misc/report.py --data_dir $(DATA) --output_dir $(DEMO)

include misc/demo_physiology.mk
include misc/demo_exciting.mk
include misc/closed_loop.mk

# The chain of tuning analyses on the truth, the trained model and LN, for more of the neurons and
# in folders of its own: the demo's hold other settings.
MORE   ?= runs/physiology
physiology: $(MORE)/truth.analysed $(MORE)/vivit.analysed $(MORE)/ln.analysed
	$(PY) misc/validate_models.py --data_dir $(DATA) --output_dir $(MORE) --mouse_ids $(MICE) \
	  --runs $(MORE)/vivit $(MORE)/ln --truth $(MORE)/truth
	$(PY) misc/report.py --data_dir $(DATA) --output_dir $(MORE)

CELLS  := $(shell seq 0 8 191)
MICE   ?= S1 S2
ASKED   = --data_dir $(DATA) --mouse_ids $(MICE) --output_dir $(basename $@) \
	  --responder $(if $(filter truth,$(notdir $(basename $@))),truth,twin)
READ    = --output_dir $(basename $@)

$(MORE)/%.analysed: | demo
	mkdir -p $(MORE)/$*
	test $* = truth || (cd $(DEMO)/$* && cp -r args.yaml provenance.json history.jsonl neuron_performance.parquet ckpt data $(abspath $(MORE))/$*)
	$(PY) tuning_retinotopy/predict_noise.py $(ASKED) --num_samples 6000
	$(PY) tuning_retinotopy/fit_aRFs.py $(READ)
	$(PY) tuning_direction/predict_grating.py $(ASKED) --neurons $(CELLS)
	$(PY) tuning_direction/estimate_selectivity_indexes.py --stimulus grating --data_dir $(DATA) $(READ)
	$(PY) tuning_contextual_modulation/predict_grating.py $(ASKED) --neurons $(CELLS) --num_repeats 4
	$(PY) tuning_contextual_modulation/estimate_contextual_modulation.py $(READ)
	$(PY) tuning_feedbackRF/predict_grating.py $(ASKED) --neurons $(CELLS) --num_repeats 4
	$(PY) tuning_feedbackRF/estimate_size_tuning_curve.py $(READ)
	$(PY) tuning_feedbackRF/predict_onset.py $(ASKED) --neurons $(CELLS)
	$(PY) tuning_feedbackRF/estimate_response_onset.py $(READ)
	touch $@

oracle: $(VENV)/.installed
	$(PY) misc/validate_analyses.py --output_dir runs/oracle

test: $(VENV)/.installed-dev
	$(PY) -m pytest -q

test-slow: $(VENV)/.installed-dev
	$(PY) -m pytest -q -m slow

test-proof: $(VENV)/.installed-dev
	$(PY) -m pytest -q -m proof

golden: $(VENV)/.installed-dev
	VIV1T_GOLDEN=$(GOLDEN) $(PY) -m pytest -q tests -k golden

bench: $(VENV)/.installed
	$(PY) -m benchmarks

check: $(VENV)/.installed-dev
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy

docs: $(VENV)/.installed-docs
	NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict --quiet --site-dir site
