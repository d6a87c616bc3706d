"""Accuracy, calibration and speed, measured on the product's own path."""
