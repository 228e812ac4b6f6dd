"""Compiled kernels: optional, built by `python -m viv1t.model.kernels`, never needed."""
