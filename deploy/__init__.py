"""From a saved model to an immutable bento. Imports no model code."""
