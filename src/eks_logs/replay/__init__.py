"""Sending again what the stack's bucket holds: dead letters and failed events."""
