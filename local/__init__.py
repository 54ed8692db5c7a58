"""The forwarder's surroundings on one machine: OpenSearch with security, Amazon's endpoint, the Lambda runtime."""
