"""Experiments on anything that answers movies: stimuli in, tables of responses out."""
