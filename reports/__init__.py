"""Evaluations as pages that are read at a glance: plots, tables and what to see in them."""
