import pytest

from forwarder.sources import LogSource, source_of


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
def test_a_stream_is_known_by_its_prefix(stream: str, log_type: str, component: str) -> None:
    assert source_of("/aws/eks/shop-prod/cluster", stream) == LogSource(log_type, component, "shop-prod")
    assert source_of("/copies/of/shop-prod", stream) == LogSource(log_type, component, None)


@pytest.mark.parametrize("group", ["/aws/lambda/other", "/aws/eks//cluster", "/aws/eks/a/cluster/b", ""])
def test_only_a_log_group_of_eks_names_a_cluster(group: str) -> None:
    assert source_of(group, "kube-scheduler-1").cluster is None
