"""The wire: schemas, routes and the one mapping of errors to HTTP. Computes no forecast."""
