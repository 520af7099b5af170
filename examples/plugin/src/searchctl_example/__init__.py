"""A plugin for searchctl: one of each kind."""
