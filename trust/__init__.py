"""Whom this machine believes: signed manifests of bentos, trusted keys, and files read once. Knows no model code."""
