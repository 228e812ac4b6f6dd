# Most exciting stimuli of mouse S1, included by the Makefile after demo_physiology.mk (there: VIVIT, LN, ASK,
# DRAW, WITH). Of the ViViT of make demo the best neurons are taken; gratings and natural surrounds are searched,
# surrounds generated at one contrast, then shown to LN and to the truth. A step that was done is not done again.
BEST    ?= 8
STEPS   ?= 150
SEEDS   ?= 2
HELD    ?= 30
CLIPS   ?= 30
WHOM    := --num_neurons $(BEST)
MADE    := cutoff$(HELD)
RECIPE  := --method cutoff --rms $(HELD) --num_seeds $(SEEDS) --num_steps $(STEPS)
STIMULI := most_exciting_stimulus

.PHONY: most-exciting
most-exciting: $(VIVIT)/.exciting-drawn

$(VIVIT)/.exciting-searched: $(VIVIT)/.asked
	$(PY) $(STIMULI)/estimate_neuron_reliability.py $(RUN) $(WITH)
	$(PY) $(STIMULI)/predict_center_surround_gratings.py $(ASK) $(WHOM)
	$(PY) $(STIMULI)/predict_natural_surround_with_grating_center.py $(ASK) $(WHOM) --step $(CLIPS)
	touch $@

$(VIVIT)/.exciting-generated: $(VIVIT)/.exciting-searched
	$(PY) $(STIMULI)/generate.py $(ASK) $(WHOM) --use_grating_center $(RECIPE) --save_dir $(MADE)
	touch $@

$(VIVIT)/.exciting-shown: $(VIVIT)/.exciting-generated
	$(PY) $(STIMULI)/compare_with_truth.py $(ASK) --save_dir $(MADE) --step $(CLIPS)
	$(PY) $(STIMULI)/evaluate_stimuli.py $(ASK) --held_out $(LN) truth
	$(PY) $(STIMULI)/predict_stimulus.py $(ASK) --held_out truth
	touch $@

$(VIVIT)/.exciting-drawn: $(VIVIT)/.exciting-shown
	$(call draw,$(STIMULI),grating_vs_generated confusion controls stimuli,)
	$(PY) $(STIMULI)/animate_stimuli.py $(DRAW)
	$(PY) $(STIMULI)/make_gallery.py $(DRAW)
	touch $@
