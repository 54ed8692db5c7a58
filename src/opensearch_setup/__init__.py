"""The setup script: prepares OpenSearch for the function, and says beforehand what it would change."""
