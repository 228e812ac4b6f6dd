# The loop closed in silico, included by the Makefile after demo_exciting.mk (there: OF, WITH, STIMULI, VIVIT).
# Day 1 trains a twin (the ViViT of make demo; if there is none, a shorter training of its own). The twin's
# receptive fields place stimuli, which are searched and generated at one contrast, and exported. The synthetic
# mouse sees them on a day 2, which is analysed as a recording; closed_loop.md sets it beside the truth.
# Gratings move along one axis: pooled over several, preferences for surrounds cancel, and few neurons flip.
# A step that was done is not done again. Other stimuli need another LOOP and another LOOP_DAY.
LOOP        ?= runs/closed_loop
LOOP_DAY    ?= 2
LOOP_EPOCHS ?= 15
LOOP_BEST   ?= 16
LOOP_STEPS  ?= 60
LOOP_SEEDS  ?= 1
LOOP_CLIPS  ?= 75
LOOP_HELD   ?= 30
LOOP_REPEATS ?= 40
LOOP_GRATINGS ?= --stimulus_size 30 --contrasts 0.05 1 --directions 45 225
LOOP_FIELD  ?= 30
IN_VIVO     := in_vivo_analysis
LOOP_NAME   := generated
LOOP_RUN     = $(OF) $(WITH) --output_dir $(LOOP)/twin
LOOP_ASK     = $(LOOP_RUN) --batch_size 4
ON_DAY       = $(LOOP_RUN) --day $(LOOP_DAY)
LOOP_SET     = --export_dir $(LOOP)/export

.PHONY: closed-loop
closed-loop: $(LOOP)/.compared
	@echo "the verdict: $(LOOP)/twin/closed_loop.md"

ifneq ($(wildcard $(VIVIT)/ckpt/model.pt),)
$(LOOP)/.trained:
	mkdir -p $(LOOP)/twin
	cd $(VIVIT) && cp -r args.yaml provenance.json history.jsonl ckpt data responses $(abspath $(LOOP))/twin
	touch $@
else
$(LOOP)/.trained: | $(VENV)/.installed
	$(PY) data/make_synthetic.py $(WITH) --preset demo
	$(PY) train.py $(WITH) --mouse_ids $(MOUSE) --output_dir $(LOOP)/twin $(shell cat misc/demo_vivit.txt) \
	  --epochs $(LOOP_EPOCHS)
	$(PY) predict.py $(WITH) --mouse_ids $(MOUSE) --output_dir $(LOOP)/twin --ds_tier validation
	touch $@
endif

$(LOOP)/.mapped: $(LOOP)/.trained
	$(PY) tuning_retinotopy/predict_noise.py $(LOOP_ASK) --method gradient --num_images 4
	$(PY) tuning_retinotopy/fit_aRFs.py $(OF) --output_dir $(LOOP)/twin --method gradient
	$(PY) $(STIMULI)/estimate_neuron_reliability.py $(LOOP_RUN)
	touch $@

# Gratings and natural clips are searched, surrounds generated; compare_with_truth.py adds the best grating and
# natural surrounds of the same contrast.
$(LOOP)/.made: $(LOOP)/.mapped
	$(PY) $(STIMULI)/predict_center_surround_gratings.py $(LOOP_ASK) --num_neurons $(LOOP_BEST)
	$(PY) $(STIMULI)/generate.py $(LOOP_ASK) --num_neurons $(LOOP_BEST) --use_grating_center --method cutoff \
	  --rms $(LOOP_HELD) --num_seeds $(LOOP_SEEDS) --num_steps $(LOOP_STEPS) --save_dir $(LOOP_NAME)
	$(PY) $(STIMULI)/compare_with_truth.py $(LOOP_ASK) --save_dir $(LOOP_NAME) --step $(LOOP_CLIPS)
	$(PY) $(IN_VIVO)/grating_contextual_modulation/make_gratings.py $(LOOP_RUN) $(LOOP_GRATINGS)
	touch $@

$(LOOP)/.seen: $(LOOP)/.made
	$(PY) $(STIMULI)/export_stimuli.py $(LOOP_RUN) $(LOOP_SET) --formats npy \
	  --stimuli $(LOOP_NAME) $(LOOP_NAME)_matched contextual_gratings
	$(PY) $(IN_VIVO)/simulate_session.py $(OF) $(WITH) $(LOOP_SET) --day $(LOOP_DAY) --num_repeats $(LOOP_REPEATS)
	touch $@

$(LOOP)/.analysed: $(LOOP)/.seen
	$(PY) $(IN_VIVO)/predict_session.py $(ON_DAY) $(LOOP_SET) --batch_size 4
	$(PY) $(IN_VIVO)/predict_session.py $(OF) $(WITH) --output_dir $(LOOP)/truth --day $(LOOP_DAY) $(LOOP_SET) \
	  --responder truth --batch_size 4
	$(PY) $(IN_VIVO)/check_cross_session_reliability.py $(ON_DAY)
	$(PY) $(IN_VIVO)/read_responses.py $(ON_DAY)
	$(PY) $(IN_VIVO)/grating_contextual_modulation/read_data.py $(ON_DAY) --field_deg $(LOOP_FIELD)
	touch $@

$(LOOP)/.compared: $(LOOP)/.analysed
	$(PY) $(IN_VIVO)/compare_with_truth.py $(ON_DAY) --truth $(LOOP)/truth
	$(PY) $(IN_VIVO)/grating_contextual_modulation/visualize_contextual_modulation.py $(OF) --output_dir $(LOOP)/twin
	$(PY) $(IN_VIVO)/single_neuron_grating_vs_generated/visualize_grating_vs_generated_surround_response.py \
	  $(OF) --output_dir $(LOOP)/twin --with_inhibiting
	touch $@
