"""The AWS Lambda function that forwards Amazon EKS control-plane logs to OpenSearch."""
