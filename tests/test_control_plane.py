import pytest

from forwarder.sources import LogStream, classify, cluster_of


@pytest.mark.parametrize(
    ("stream", "log_type", "component"),
    [
        ("kube-apiserver-audit-9ac6", "audit", "kube-apiserver"),
        ("kube-apiserver-9ac6", "api", "kube-apiserver"),
        ("authenticator-9ac6", "authenticator", "aws-iam-authenticator"),
        ("kube-controller-manager-9ac6", "controllerManager", "kube-controller-manager"),
        ("cloud-controller-manager-9ac6", "controllerManager", "cloud-controller-manager"),
        ("kube-scheduler-9ac6", "scheduler", "kube-scheduler"),
        ("kube-proxy-9ac6", "unknown", "unknown"),
        ("", "unknown", "unknown"),
        ("my-kube-apiserver-audit-9ac6", "unknown", "unknown"),
    ],
)
def test_a_stream_is_classified_by_its_prefix(stream: str, log_type: str, component: str) -> None:
    assert classify(stream) == LogStream(log_type, component)


def test_the_cluster_is_read_from_the_log_group() -> None:
    assert cluster_of("/aws/eks/shop-prod/cluster") == "shop-prod"
    assert cluster_of("/aws/lambda/other") is None
