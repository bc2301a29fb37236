"""Whether a change or a fault lost or falsified a single answer: a driver without retries, an oracle, a verdict."""
