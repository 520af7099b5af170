"""Lays out an OpenSearch home: libraries, the modules of the packaged distribution, plugins."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from tests.servers.catalogue import Distribution, Plugin
from tests.servers.errors import ServerError
from tests.servers.java import find_java
from tests.servers.maven import fetch

# Modules that the packaged distribution has, and which module each extends.
_MODULES = {
    "analysis-common": "lang-painless",
    "transport-netty4-client": "",
    "reindex-client": "",
    "lang-painless": "",
    "lang-mustache-client": "",
    "mapper-extras-client": "",
    "rank-eval-client": "",
    "parent-join-client": "",
    "lang-expression": "",
    "ingest-common": "lang-painless",
}
# OpenSearch 2 runs under Java's security manager, and the jars on Maven Central carry no policy of their own.
_POLICY = """grant {
  permission java.lang.RuntimePermission "createClassLoader";
  permission java.lang.RuntimePermission "getClassLoader";
  permission java.lang.RuntimePermission "setContextClassLoader";
  permission java.lang.RuntimePermission "accessDeclaredMembers";
  permission java.lang.reflect.ReflectPermission "suppressAccessChecks";
  permission java.net.SocketPermission "*", "accept,connect,resolve";
};
"""
_LOGGING = """status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%-25c{1.}] %m%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
"""
# OpenSearch 3 replaced the security manager by an agent whose classes aren't on Maven Central: a stand-in that polices nothing.
_AGENT = Path(__file__).with_name("AgentPolicy.java")
RECIPE = (_MODULES, _POLICY, _LOGGING, _AGENT.read_text())


def make_opensearch(distribution: Distribution, home: Path) -> None:
    """Fill an empty folder with the server."""
    version = distribution.version
    sets = {
        "lib": [
            f"org.opensearch:opensearch:{version}",
            f"org.opensearch:opensearch-plugin-classloader:{version}",
            f"org.apache.logging.log4j:log4j-core:{distribution.log4j}",
        ],
        **{artifact: [f"org.opensearch.plugin:{artifact}:{version}"] for artifact in _MODULES},
        **{
            one.name: [f"org.opensearch.plugin:{one.name}:{one.version}:zip", *one.jars] for one in distribution.plugins
        },
    }
    with tempfile.TemporaryDirectory() as folder:
        files = fetch(Path(folder), sets)
        _copy(files["lib"], home / "lib")
        shared = {file.name for file in files["lib"]}
        for artifact in _MODULES:
            _make_module(
                artifact, [file for file in files[artifact] if file.name not in shared], version, home / "modules"
            )
        for plugin in distribution.plugins:
            _make_plugin(plugin, files[plugin.name], home / "plugins" / plugin.name)
    if distribution.major >= 3:
        _add_agent(find_java(*distribution.java), home / "lib")
    (home / "bin").mkdir()  # looked for at the start, and made if missing: which a home that is read-only refuses
    (home / "config").mkdir()
    (home / "config" / "log4j2.properties").write_text(_LOGGING)
    (home / "config" / "jvm.options").touch()


def _make_module(artifact: str, jars: Sequence[Path], version: str, modules: Path) -> None:
    name = artifact.removesuffix("-client")
    folder = modules / name
    _copy(jars, folder)
    with zipfile.ZipFile(folder / f"{artifact}-{version}.jar") as jar:
        plugins = [entry[:-6].replace("/", ".") for entry in jar.namelist() if entry.endswith("Plugin.class")]
    if len(plugins) != 1:
        raise ServerError(f"{artifact} {version} has {len(plugins)} classes named *Plugin, expected one: {plugins}")
    (folder / "plugin-descriptor.properties").write_text(
        f"description={name}\nversion={version}\nname={name}\nclassname={plugins[0]}\njava.version=11\n"
        f"opensearch.version={version}\nextended.plugins={_MODULES[artifact]}\nhas.native.controller=false\n"
    )
    (folder / "plugin-security.policy").write_text(_POLICY)


def _make_plugin(plugin: Plugin, files: Sequence[Path], folder: Path) -> None:
    (archive,) = (file for file in files if file.suffix == ".zip")
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(folder)
    for jar in files:
        if jar != archive:
            shutil.copyfile(jar, folder / jar.name)
    descriptor = folder / "plugin-descriptor.properties"
    text = descriptor.read_text()
    for absent in plugin.absent:
        text = re.sub(rf"^(extended\.plugins=.*?),?{absent}", r"\1", text, flags=re.MULTILINE)
    descriptor.write_text(text)


def _add_agent(java: Path, lib: Path) -> None:
    compiler = java / "bin" / "javac"
    if not compiler.exists():
        raise ServerError(f"OpenSearch 3 needs a whole JDK, and {java} has no bin/javac; install one, not a JRE")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([str(compiler), "-Xlint:-removal", "-d", folder, str(_AGENT)], check=True)
        with zipfile.ZipFile(lib / "agent-stand-in.jar", "w") as jar:
            for compiled in sorted(Path(folder).rglob("*.class")):
                jar.write(compiled, compiled.relative_to(folder).as_posix())


def _copy(files: Sequence[Path], folder: Path) -> None:
    folder.mkdir(parents=True)
    for file in files:
        shutil.copyfile(file, folder / file.name)
