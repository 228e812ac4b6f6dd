# A short physiology of mouse S1, included by the Makefile (there: PY, DATA, DEMO): the recordings beside
# what both models of make demo predicted of them, then the ViViT alone is asked, few cells and few
# presentations. `make physiology` asks more cells, of LN and of the truth too.
# Steps run side by side, one thread each; a model that was asked is not asked again.
MOUSE   ?= S1
SAMPLE  ?= $(shell seq 4 16 191)
SIZES   ?= 0 15 30 45 60 90
VIVIT   := $(DEMO)/vivit
LN      := $(DEMO)/ln
BOTH    := --compare ViViT=$(VIVIT) LN=$(LN)
ALONE   := --compare ViViT=$(VIVIT)
THREE   := --compare recorded ViViT=$(VIVIT) LN=$(LN)
OF      := --mouse_ids $(MOUSE) --verbose 1
DRAW     = $(OF) --output_dir $(VIVIT)
WITH     = --data_dir $(DATA)
RUN      = $(OF) --output_dir $(@D)
ASK      = $(RUN) $(WITH) --batch_size 4

.PHONY: compared short-physiology
compared:
	$(PY) misc/demo_report.py --data_dir $(DATA) --output_dir $(DEMO) \
	  --runs $(VIVIT) $(LN) --labels ViViT LN

short-physiology: $(VIVIT)/.drawn-gabors $(VIVIT)/.drawn-gratings $(VIVIT)/.drawn-surrounds
short-physiology: $(VIVIT)/.drawn-sizes $(VIVIT)/.drawn-attention

$(VIVIT)/ckpt/model.pt $(LN)/ckpt/model.pt:
	@echo "$@ is missing: make demo trains and predicts first" && false

# What the recordings say, the same for every model.
$(DATA)/.recorded:
	$(PY) data/save_response.py $(OF) $(WITH)
	$(PY) tuning_direction/extract_gabor_features.py $(OF) $(WITH)
	$(PY) tuning_direction/estimate_selectivity_indexes.py $(OF) $(WITH) --output_dir $(DATA)
	$(PY) tuning_direction/estimate_tuning_similarity.py $(OF) --output_dir $(DATA)
	$(PY) tuning_retinotopy/extract_gaussian_dot_features.py $(OF) $(WITH)
	$(PY) tuning_retinotopy/estimate_spatial_tuning.py $(OF) $(WITH) --output_dir $(DATA)
	touch $@

# What a model predicted of the same movies.
$(DEMO)/%/.predicted: $(DEMO)/%/ckpt/model.pt $(DATA)/.recorded
	$(PY) tuning_direction/estimate_selectivity_indexes.py $(RUN) $(WITH)
	$(PY) tuning_direction/estimate_tuning_similarity.py $(RUN) --select_in $(DATA)
	$(PY) tuning_retinotopy/estimate_spatial_tuning.py $(RUN) $(WITH)
	touch $@

# What a model answers when it is asked.
$(DEMO)/%/.asked: $(DEMO)/%/ckpt/model.pt
	$(PY) tuning_retinotopy/predict_noise.py $(RUN) $(WITH) --method gradient --num_images 4 --batch_size 4
	$(PY) tuning_retinotopy/fit_aRFs.py $(RUN) --method gradient
	$(PY) tuning_direction/predict_grating.py $(ASK) --neurons $(SAMPLE) --num_repeats 2
	$(PY) tuning_direction/estimate_selectivity_indexes.py $(RUN) $(WITH) --stimulus grating
	$(PY) tuning_direction/estimate_tuning_similarity.py $(RUN) --stimulus grating
	$(PY) tuning_contextual_modulation/predict_grating.py $(ASK) --neurons $(SAMPLE) --num_repeats 3
	$(PY) tuning_contextual_modulation/estimate_contextual_modulation.py $(RUN)
	$(PY) tuning_feedbackRF/predict_grating.py $(ASK) --neurons $(SAMPLE) --num_repeats 2 --sizes_deg $(SIZES)
	$(PY) tuning_feedbackRF/estimate_size_tuning_curve.py $(RUN)
	$(PY) tuning_feedbackRF/predict_onset.py $(ASK) --neurons $(SAMPLE) --num_repeats 6
	$(PY) tuning_feedbackRF/estimate_response_onset.py $(RUN)
	touch $@

$(DEMO)/%/.attended: $(DEMO)/%/ckpt/model.pt
	$(PY) misc/extract_attention.py $(RUN) $(WITH)
	$(PY) tuning_feedbackRF/extract_attention.py $(ASK) --num_repeats 2 --sizes_deg $(SIZES)
	touch $@

# $(call draw,folder,names,flags): several figures of one folder.
define draw
$(foreach name,$(2),$(PY) $(1)/visualize_$(name).py $(DRAW) $(3)
)
endef

CURVES  := tuning_curve tuning_curve_correlation tuning_width preference_differences
CURVES  += selectivity_distributions
SINGLE  := tuning_curve tuning_width selectivity_distributions
NEARBY  := tuning_similarity tuning_similarity_by_plane microcolumns

$(VIVIT)/.drawn-gabors: $(VIVIT)/.predicted $(LN)/.predicted
	$(call draw,tuning_direction,$(CURVES) $(NEARBY),$(WITH) $(THREE))
	$(PY) tuning_retinotopy/visualize_spatial_tuning.py $(DRAW) $(WITH) $(BOTH)
	touch $@

$(VIVIT)/.drawn-gratings: $(VIVIT)/.asked
	$(PY) tuning_retinotopy/visualize_aRFs.py $(DRAW) $(WITH) $(ALONE)
	$(PY) tuning_retinotopy/visualize_stimuli.py $(DRAW) $(WITH)
	$(call draw,tuning_direction,$(SINGLE),$(WITH) $(ALONE) --stimulus grating)
	$(PY) tuning_direction/visualize_stimuli.py $(DRAW) $(WITH)
	touch $@

$(VIVIT)/.drawn-surrounds: $(VIVIT)/.asked
	$(PY) tuning_contextual_modulation/visualize_contextual_modulation.py $(DRAW) $(ALONE)
	$(call draw,tuning_contextual_modulation,contrast_difference response response_onset stimuli,)
	touch $@

$(VIVIT)/.drawn-sizes: $(VIVIT)/.asked
	$(call draw,tuning_feedbackRF,size_tuning_curve response_onset,$(ALONE))
	$(call draw,tuning_feedbackRF,response stimuli,)
	touch $@

$(VIVIT)/.drawn-attention: $(VIVIT)/.attended
	$(PY) misc/visualize_attention.py $(DRAW) --num_samples 1
	$(PY) tuning_feedbackRF/visualize_attention.py $(DRAW)
	touch $@
