"""`eks-logs`, the operators' tool: prepares OpenSearch for the function, and says beforehand what it would change."""
