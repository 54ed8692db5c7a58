"""From documents to what OpenSearch and S3 said of each."""
