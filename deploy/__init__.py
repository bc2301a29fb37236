"""From a saved model to an immutable bento, signed and verified. Imports no model code."""
