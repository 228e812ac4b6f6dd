"""Asking a trained model: the digital twin."""
