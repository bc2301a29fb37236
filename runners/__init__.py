"""Loaded models and the match snapshot they predict from. No HTTP here."""
