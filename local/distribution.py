"""Which OpenSearch the rig runs: coordinates on Maven Central and the checksums of what was tried."""

from collections.abc import Mapping
from dataclasses import dataclass

from local.errors import RigError

ENGINE_VARIABLE = "EKS_LOGS_RIG_ENGINE"


@dataclass(frozen=True)
class MavenArtifact:
    """A file on Maven Central.

    Attributes:
        group: Maven's groupId.
        name: Maven's artifactId.
        version: The version, without ranges.
        sha256: Of the file, in hexadecimal; a download with another one is refused.
        packaging: How its name ends.
    """

    group: str
    name: str
    version: str
    sha256: str
    packaging: str = "zip"


@dataclass(frozen=True)
class SecurityPlugin:
    """The security plugin of exactly a server's version.

    Attributes:
        archive: The plugin, as its installer takes it.
        jars: What it loads and does not bring, as a server with all its modules has it.
        optional_plugins: Plugins that its descriptor asks for, that are not to be had, and that it works without.
    """

    archive: MavenArtifact
    jars: tuple[MavenArtifact, ...] = ()
    optional_plugins: tuple[str, ...] = ()


@dataclass(frozen=True)
class Distribution:
    """A server and, where there is one, its security plugin.

    Attributes:
        server: A zip that holds an OpenSearch home as its only folder.
        security: Its security plugin; None runs the server open, without users.
    """

    server: MavenArtifact
    security: SecurityPlugin | None

    @property
    def version(self) -> str:
        """What it is called when one is chosen, and what it says of itself at `GET /`."""
        return self.server.version

    @property
    def folder_name(self) -> str:
        """What the unpacked home is called: one name for each pair of server and plugin."""
        parts = [f"opensearch-{self.server.version}"]
        if self.security is not None:
            parts.append(f"security-{self.security.archive.version}")
        return "-".join(parts)


OPENSEARCH_2_19 = Distribution(
    server=MavenArtifact(
        group="org.opensearch.distribution.integ-test-zip",
        name="opensearch",
        version="2.19.4",
        sha256="3902e642715210d1d9d7cbdcc8f5abd6f931d1d7a679cea3750937becf16c406",
    ),
    security=SecurityPlugin(
        MavenArtifact(
            group="org.opensearch.plugin",
            name="opensearch-security",
            version="2.19.4.0",
            sha256="1f673622c462c4171a8c53f9b1ad20e5b839834cb79b0d3b388da180a0e514e8",
        )
    ),
)

OPENSEARCH_3_4 = Distribution(
    server=MavenArtifact(
        group="org.opensearch.distribution.integ-test-zip",
        name="opensearch",
        version="3.4.0",
        sha256="6540e95fe8bfaedc3eb1c58e829912ea2203af2ac1f88f76411c20a2fc5254a6",
    ),
    security=SecurityPlugin(
        MavenArtifact(
            group="org.opensearch.plugin",
            name="opensearch-security",
            version="3.4.0.0",
            sha256="fc164c084979f7f793d295b6bca56bf8bee76dafb762adef9f14fa872e0a7596",
        ),
        # Without it every request is answered with 500.
        jars=(
            MavenArtifact(
                group="org.apache.commons",
                name="commons-collections4",
                version="4.5.0",
                sha256="00f93263c267be201b8ae521b44a7137271b16688435340bf629db1bac0a5845",
                packaging="jar",
            ),
        ),
        optional_plugins=("rule-framework",),
    ),
)

ENGINES = {engine.version: engine for engine in (OPENSEARCH_2_19, OPENSEARCH_3_4)}
DEFAULT_ENGINE = OPENSEARCH_2_19


def chosen_engine(environment: Mapping[str, str]) -> Distribution:
    """The engine that $EKS_LOGS_RIG_ENGINE names by its version; the default where it names none.

    Raises:
        RigError: There is no such engine.
    """
    version = environment.get(ENGINE_VARIABLE) or DEFAULT_ENGINE.version
    if version not in ENGINES:
        known = " and ".join(ENGINES)
        raise RigError(f"{ENGINE_VARIABLE} is {version!r}: the rig has OpenSearch {known}")
    return ENGINES[version]
