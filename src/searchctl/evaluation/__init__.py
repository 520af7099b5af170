"""Measuring search: judgements, queries made without any, and the report. `searchctl.evaluate` puts them together."""
