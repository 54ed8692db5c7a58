"""The generator of src/eks_logs/resources/saved_objects.ndjson, which `eks-logs dashboards` imports."""
