"""Walk-forward training, evaluation against baselines, and the save to the model store."""
