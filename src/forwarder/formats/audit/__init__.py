"""Audit events of the Kubernetes API server (audit.k8s.io/v1)."""
