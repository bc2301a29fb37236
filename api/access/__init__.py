"""Who may call, how much, and how many at once: decided before any work is done."""
