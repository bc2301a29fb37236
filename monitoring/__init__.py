"""What operators see: metrics now; prediction log and drift when they come."""
