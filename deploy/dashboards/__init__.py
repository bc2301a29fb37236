"""Grafana's dashboards of a service, its forecasts and its releases, made from code."""
