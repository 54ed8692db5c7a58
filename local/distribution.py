"""Which OpenSearch the rig runs: coordinates on Maven Central and the checksums of what was tried."""

from dataclasses import dataclass


@dataclass(frozen=True)
class MavenArtifact:
    """A zip on Maven Central.

    Attributes:
        group: Maven's groupId.
        name: Maven's artifactId.
        version: The version, without ranges.
        sha256: Of the zip, in hexadecimal; a download with another one is refused.
    """

    group: str
    name: str
    version: str
    sha256: str


@dataclass(frozen=True)
class Distribution:
    """A server and, where there is one, its security plugin.

    Attributes:
        server: A zip that holds an OpenSearch home as its only folder.
        security: The security plugin of exactly the server's version; None runs the server open, without users.
    """

    server: MavenArtifact
    security: MavenArtifact | None

    @property
    def folder_name(self) -> str:
        """What the unpacked home is called: one name for each pair of server and plugin."""
        parts = [f"opensearch-{self.server.version}"]
        if self.security is not None:
            parts.append(f"security-{self.security.version}")
        return "-".join(parts)


OPENSEARCH_2_19 = Distribution(
    server=MavenArtifact(
        group="org.opensearch.distribution.integ-test-zip",
        name="opensearch",
        version="2.19.4",
        sha256="3902e642715210d1d9d7cbdcc8f5abd6f931d1d7a679cea3750937becf16c406",
    ),
    security=MavenArtifact(
        group="org.opensearch.plugin",
        name="opensearch-security",
        version="2.19.4.0",
        sha256="1f673622c462c4171a8c53f9b1ad20e5b839834cb79b0d3b388da180a0e514e8",
    ),
)
