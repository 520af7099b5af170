"""Measuring search: judgements, queries made without any, and the report. `searchctl.evaluation.evaluate` puts them together."""
