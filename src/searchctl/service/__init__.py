"""Doors for people and programs: an HTTP API with its page, and tools for agents. No door holds search logic."""
