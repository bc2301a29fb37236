"""Estimators of match outcomes and the score grid that all markets are read off.

Knows arrays, features and scipy; knows no store, frame, framework or setting.
Pickled by value with every trained model, so fitted state is arrays, dicts
and numbers.
"""
