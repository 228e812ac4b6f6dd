"""Configuration: frozen dataclasses whose fields are the command-line flags."""
