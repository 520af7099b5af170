"""Engines: where indexes live."""
