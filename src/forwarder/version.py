"""The version of the function and of eks-logs; CHANGELOG.md says what each brought."""

VERSION = "0.2.0"
