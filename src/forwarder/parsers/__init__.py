"""The formats of the control plane's records, one a module: text in, fields out; none raises on bad text."""
