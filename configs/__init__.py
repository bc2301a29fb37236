"""Values in YAML, and the one typed class that reads them."""
