"""The gate: a bento is started, asked and compared in a throw-away process before it may serve anybody."""
