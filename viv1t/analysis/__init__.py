"""Analyses: arrays and tables in, arrays and tables out; free of torch, files and figures."""
