"""Records with planted secrets, and records that only look as if: composed after the shapes that clusters write.

`python -m tests.planted` counts how many secrets stay readable, and what else is replaced; `--set FILE` does so for a
set of one's own: a JSON object a line, `{"name": …, "record": …, "secrets": [texts], "kept": [texts]}`.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

from forwarder.redaction import redact
from tests.planted_kinds import (
    ANNOTATIONS,
    BODIES,
    COMMANDS,
    FILES,
    HARMLESS_FILES,
    LINES,
    SCRIPTS,
    SENTENCES,
    SPECS,
)

# A word that nothing known by its look has; a part of every secret that has no look.
W = "kLeister77"


@dataclass(frozen=True)
class Planted:
    """A record, what must not stay readable of it, and what must."""

    name: str
    record: str
    secrets: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


def event(request: Any = None, response: Any = None, **more: Any) -> str:
    """An audit event about a pod of the shop."""
    whole = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "RequestResponse",
        "auditID": "2f6a41e3-0b5c-4c71-9f4e-6f1f1f0d8a11",
        "stage": "ResponseComplete",
        "requestURI": "/api/v1/namespaces/shop/pods",
        "verb": "create",
        "user": {"username": "ada", "groups": ["system:authenticated"]},
        "sourceIPs": ["203.0.113.7"],
        "userAgent": "kubectl/v1.31.4",
        "objectRef": {"resource": "pods", "namespace": "shop", "name": "cart"},
        "responseStatus": {"code": 201},
        "requestObject": request,
        "responseObject": response,
        **more,
    }
    return json.dumps({name: value for name, value in whole.items() if value is not None}, separators=(",", ":"))


def klog(text: str) -> str:
    """A line of the API server."""
    return f"I1120 09:12:31.123456       1 a.go:1] {text}"


def zap(text: str) -> str:
    """A line of the etcd client within the API server."""
    return json.dumps({"level": "warn", "ts": "2026-11-20T09:12:31.123Z", "caller": "a.go:1", "msg": text})


def pod(*containers: Any, **spec: Any) -> Any:
    """A pod of these containers."""
    return {"kind": "Pod", "spec": {"containers": list(containers), **spec}}


def arguments(*words: str) -> str:
    """An event of a pod with these arguments."""
    return event(pod({"name": "a", "args": list(words)}))


def config_map(text: str) -> str:
    """An event of a ConfigMap that holds a file."""
    return event({"kind": "ConfigMap", "data": {"app.conf": text}})


def uri(query: str) -> str:
    """An event with this query."""
    return event(requestURI=f"/api/v1/namespaces/shop/pods/cart/exec?{query}")


PEM = f"-----BEGIN EC PRIVATE KEY-----\n{W}MHcCAQEEIBq\n{W}oAoGCCqGSM49\n-----END EC PRIVATE KEY-----\n"


def _b64(text: str) -> str:
    import base64  # noqa: PLC0415 - for the composed values only

    return base64.b64encode(text.encode()).decode()


_NAMES = [
    "apiKey",
    "API_KEY",
    "api-key",
    "apikey",
    "secretKey",
    "SECRET_KEY",
    "JWT_SECRET",
    "secret",
    "DB_PASS",
    "MYSQL_PWD",
    "ENCRYPTION_KEY",
    "cookie-secret",
    "AccountKey",
    "dbPassword",
    "spring.datasource.password",
    "smtp_pass",
    "redisAuthToken",
    "SLACK_SIGNING_SECRET",
    "client_secret",
    "clientSecret",
    "accessToken",
    "refresh_token",
    "private_key",
    "privateKey",
    "PGPASSWORD",
    "POSTGRES_PASSWORD",
    "MYSQL_ROOT_PASSWORD",
    "adminPassword",
    "password1",
    "PASSWORD_PROD",
    "githubToken",
    "NPM_TOKEN",
    "X-Vault-Token",
    "bearerToken",
    "sessionSecret",
    "masterKey",
    "consumerSecret",
    "hmacKey",
    "signingKey",
    "webhookSecret",
    "sharedAccessKey",
    "storageAccountKey",
    "passphrase",
    "sshPassphrase",
    "credentials",
    "DJANGO_SECRET_KEY",
    "RAILS_MASTER_KEY",
    "pwd",
    "DATADOG_API_KEY",
    "keystorePassword",
    "storepass",
]

_LOOKS = {
    "github": "ghp_" + "aB3" * 12,
    "github-fine": "github_pat_" + "11ABCDEFG0" * 5,
    "gitlab": "glpat-" + "xY7_" * 5,
    "slack": "xoxb-" + "123456789012-" * 2 + "AbCdEfGhIjKl",
    "stripe": "sk_" + "live_" + "51HxYz" * 4,
    "google": "AIza" + "SyD3x-" * 6,
    "sendgrid": "SG." + "abcDEF123_-" * 2 + "." + "XyZ987" * 7,
    "npm": "npm_" + "Ab1" * 12,
    "vault": "hvs." + "CAESI" * 6,
    "openai": "sk-" + "proj-" + "Ab3_" * 12,
    "docker-hub": "dckr_pat_" + "aB3-" * 7,
    "age": "AGE-SECRET-KEY-1" + "QPZRY9X8" * 7,
    "aws-session": "IQoJb3JpZ2lu" + "X2VjEAoaCXVz" * 9,
    "doppler": "dp." + "pt." + "aB3dE6gH" * 5,
    "linear": "lin_" + "api_" + "aB3dE6gH" * 5,
    "figma": "figd" + "_" + "aB3dE6gH" * 5,
    "fly": "FlyV1 " + "fm2_" + "aB3dE6gH" * 13,
    "shopify": "shp" + "ca_" + "0a1b" * 8,
    "gitlab-runner": "GR13" + "48941" + "aB3dE6gH" * 3,
    "sentry": "sntry" + "u_" + "0a1b" * 16,
    "new-relic": "NRII" + "-" + "aB3dE6gH" * 4,
    "brevo": "xkey" + "sib-" + "0a1b" * 16 + "-" + "aB3dE6gH" * 2,
    "azure": "abc8" + "Q~" + "aB3dE6gH" * 4,
    "open-shift": "sha256" + "~" + "aB3dE6gH" * 5,
    "tailscale": "tskey-" + "auth-" + "aB3dE6gH" * 3,
    "bcrypt": "$2y$" + "10$" + "aB3dE6gH" * 6,
    "jwt": "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl",
}


def planted() -> Iterator[Planted]:
    """Records with secrets."""
    for name in _NAMES:
        yield Planted(f"json member {name}", event({"spec": {name: W}}), (W,))
        yield Planted(f"environment variable {name}", event(pod({"env": [{"name": name, "value": W}]})), (W,))
        yield Planted(
            f"line of YAML {name}",
            config_map(f"server:\n  port: 80\n  {name}: {W}\n  host: kept\n"),
            (W,),
            ("host: kept",),
        )
        yield Planted(
            f"line of an env file {name}",
            config_map(f"PORT=80\n{name}={W} x;y&z\nHOST=kept\n"),
            (W, "x;y"),
            ("HOST=kept",),
        )
        yield Planted(
            f"klog pair {name}", klog(f'"Started" {name}="{W}, 1" pod="shop/cart"'), (W,), ('pod="shop/cart"',)
        )
        yield Planted(
            f"argument {name}", arguments("serve", f"--{name}={W},;&()]}}x", "--port=80"), (W, "]}x"), ("--port=80",)
        )
        yield Planted(f"argument of its own {name}", arguments("serve", f"--{name}", W, "--port", "80"), (W,), ("80",))
    for name, token in _LOOKS.items():
        yield Planted(
            f"look {name} in a note",
            event({"metadata": {"annotations": {"note": f"use {token} here"}}}),
            (token,),
            ("here",),
        )
        yield Planted(f"look {name} in klog", klog(f'"Failed" err="bad {token}"'), (token,))
        yield Planted(f"look {name} in a user agent", event(userAgent=f"x/1 {token}"), (token,))
    yield from _in_json()
    yield from _in_uris()
    yield from _addresses()
    yield from _commands()
    yield from _files()
    yield from _lines()
    yield from _of_kinds()


def _in_json() -> Iterator[Planted]:
    secrets = {"resource": "secrets", "namespace": "shop", "name": "db"}
    values: tuple[Any, ...] = (48151623, [W], {"x": W}, [48151623], {"a": {"b": [W]}}, 4.815162342)
    for value in values:
        text = W if W in json.dumps(value) else json.dumps(value).strip("[]")
        yield Planted(
            f"stringData {value!r}", event({"kind": "Secret", "stringData": {"pin": value}}, objectRef=secrets), (text,)
        )
        yield Planted(f"password {value!r}", event({"spec": {"password": value}}), (text,))
        patch = [{"op": "replace", "path": "/data/pin", "value": value}]
        yield Planted(f"patch {value!r}", event(patch, objectRef=secrets, verb="patch"), (text,))
    yield Planted("merge patch", event({"data": {"k": W}}, objectRef=secrets, verb="patch"), (W,))
    yield Planted(
        "json patch of a telling path",
        event([{"op": "add", "path": "/spec/apiToken", "value": 48151623}]),
        ("48151623",),
    )
    yield Planted(
        "response", event(None, {"kind": "SecretList", "items": [{"data": {"a": W}}]}, objectRef=secrets), (W,)
    )
    for name, value in (("Authorization", f"Basic {W}"), ("X-Api-Key", W), ("Cookie", f"sid={W}"), ("db_password", W)):
        for pair in ({"name": name, "value": value}, {"value": value, "name": name}, {"key": name, "value": value}):
            yield Planted(f"pair {pair}", event({"spec": {"headers": [pair]}}), (W,))
    yield Planted("json with blanks", config_map(json.dumps({"a": {"apiKey": W, "b": 1}}, indent=4)), (W,))
    yield Planted("json in yaml", config_map(f'settings: |\n  {{"password" : "{W}", "port" : 80}}\n'), (W,), ("80",))
    yield Planted("json in json in json", config_map(json.dumps({"d": json.dumps({"token": W})})), (W,))
    docker = json.dumps({"auths": {"ghcr.io": {"username": "ada", "auth": _b64(f"ada:{W}")}}})
    yield Planted("docker auth", config_map(docker), (_b64(f"ada:{W}"),), ("ghcr.io",))
    yield Planted("jwk", event({"spec": {"keys": [{"kty": "EC", "x": "kept", "d": W}]}}), (W,), ("kept",))
    yield Planted("token review", event({"kind": "TokenReview", "spec": {"token": W}}), (W,))
    yield Planted("manifest as json", config_map(json.dumps({"kind": "Secret", "stringData": {"k": W}})), (W,))
    yield Planted("base64 of pem", event({"spec": {"bundle": _b64(PEM)}}), (_b64(PEM)[:60],))
    yield Planted("pem", event({"spec": {"bundle": PEM}}), (W,))


def _in_uris() -> Iterator[Planted]:
    dsn = f"postgres://ada:{W}@db/shop"
    for name, words, secret in (
        ("option", [f"--password={W}"], W),
        ("option of its own", ["app", "--password", W], W),
        ("variable", ["env", f"PGPASSWORD={W}", "psql"], W),
        ("header", ["curl", "-H", f"Authorization: Bearer {W}"], W),
        ("address", ["psql", dsn], W),
        ("mysql", ["mysql", "-uroot", f"-p{W}"], W),
        ("mysql apart", ["mysql", "-u", "root", "-p", W], W),
        ("curl", ["curl", "-u", f"ada:{W}", "https://kept.example.com"], W),
        ("script", ["sh", "-c", f"PGPASSWORD={W} psql -h kept"], W),
        ("script with mysql", ["bash", "-c", f"mysqldump -uroot -p{W} shop"], W),
        ("presigned", [f"https://s3.example.com/x?X-Amz-Signature={W}&X-Amz-Security-Token={W}a"], W),
    ):
        for encode in (quote, quote_plus):
            encoded = [encode(word, safe="") for word in words]
            yield Planted(
                f"uri {name}",
                uri("&".join(f"command={word}" for word in encoded) + "&container=kept"),
                (secret, quote(secret)),
                ("container=kept",),
            )
    yield Planted("uri token", uri(f"access_token={W}&watch=true"), (W,), ("watch=true",))
    yield Planted("uri header", uri(f"h=Authorization%3A+Bearer+{W}&x=kept"), (W,), ("x=kept",))
    yield Planted("uri dsn", uri(f"dsn={quote(dsn, safe='')}&x=kept"), (W,), ("x=kept",))
    yield Planted(
        "uri signature", uri(f"u={quote(f'https://s3/x?X-Amz-Signature={W}00', safe='')}&x=kept"), (W,), ("x=kept",)
    )


def _addresses() -> Iterator[Planted]:
    for address in (
        f"redis://:{W}@cache:6379/0",
        f"postgres://ada:{W}@db:5432/shop",
        f"postgres://ada:{W}/x@y@db:5432/shop",
        f"amqp://ada:{W}%40x@mq/shop",
        f"https://{W}0123456789@git.example.com/shop.git",
        f"https://x-access-token:{W}@github.com/shop/deploy",
        f"mongodb+srv://ada:{W}@h1,h2/shop?retryWrites=true",
        f"ada:{W}@tcp(db:3306)/shop?parseTime=true",
        f"ada:{W}@unix(/run/mysqld.sock)/shop",
        f"jdbc:postgresql://db/shop?user=ada&password={W}",
        f"jdbc:sqlserver://db:1433;user=ada;password={W};encrypt=true",
        f"Server=db;Database=shop;User Id=ada;Password={W};",
        f"DefaultEndpointsProtocol=https;AccountName=shop;AccountKey={W}==;EndpointSuffix=core",
    ):
        yield Planted(f"address {address}", event(pod({"env": [{"name": "TARGET", "value": address}]})), (W,))
        yield Planted(
            f"address in klog {address}", klog(f'"Connecting" target="{address}" pod="shop/cart"'), (W,), ("shop/cart",)
        )
        yield Planted(f"address in a file {address}", config_map(f"db:\n  target: {address}\n"), (W,))


def _commands() -> Iterator[Planted]:
    for words in (
        ["mysql", "-p", W],
        ["curl", "-u", f"ada:{W}", "https://kept.example.com"],
        ["curl", f"-uada:{W}", "https://kept.example.com"],
        ["redis-cli", "-a", W, "ping"],
        ["sshpass", "-p", W, "ssh", "ada@kept"],
        ["docker", "login", "-u", "ada", "-p", W],
        ["/usr/bin/mysqldump", "-uroot", f"-p{W}", "shop"],
        ["mongosh", "-u", "root", "-p", W],
        ["kubectl", "create", "secret", "generic", "db", f"--from-literal=pin={W}"],
        ["ldapsearch", "-x", "-w", W],
    ):
        yield Planted(f"words {words}", arguments(*words), (W,))
        yield Planted(
            f"script {words}",
            event(pod({"command": ["sh", "-c", f"set -e; {' '.join(words)} && true"]})),
            (W,),
            ("&& true",),
        )
        yield Planted(f"command and args {words}", event(pod({"command": words[:1], "args": words[1:]})), (W,))


def _files() -> Iterator[Planted]:
    yield Planted("unquoted word", config_map(f"db:\n  password: {W[:8]}\n"), (W[:8],))
    yield Planted(
        "several words", config_map("db:\n  passphrase: correct horse battery\n  x: kept\n"), ("horse",), ("x: kept",)
    )
    yield Planted(
        "block scalar", config_map(f"a:\n  private_key: |\n    {W}1\n    {W}2\n  b: kept\n"), (W,), ("b: kept",)
    )
    yield Planted("folded", config_map(f"token: >-\n  {W}\nb: kept\n"), (W,), ("b: kept",))
    yield Planted(
        "name and value",
        config_map(f"env:\n- name: DB_PASSWORD\n  value: {W}\n- name: A\n  value: kept\n"),
        (W,),
        ("value: kept",),
    )
    yield Planted("value and name", config_map(f"env:\n- value: {W}\n  name: DB_PASSWORD\n"), (W,))
    yield Planted(
        "name and block", config_map(f"env:\n- name: DB_PASSWORD\n  value: |\n    {W}\n- name: B\n"), (W,), ("name: B",)
    )
    yield Planted(
        "manifest",
        config_map(
            f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData:\n  pin: {W}\n  c: |\n    {W}\n"
            "---\nkind: Pod\nspec: kept\n"
        ),
        (W,),
        ("name: db", "spec: kept"),
    )
    yield Planted("manifest, data first", config_map(f"data:\n  pin: {W}\nkind: Secret\n"), (W,))
    yield Planted("flow", config_map(f"db: {{user: ada, password: {W}, port: 80}}\n"), (W,), ("user: ada",))
    yield Planted("list", config_map(f"tokens:\n- {W}1\n- {W}2\nport: 80\n"), (W,), ("port: 80",))
    yield Planted(
        "ini", config_map(f"[db]\nuser = ada\npassword = {W} and more\nport = 80\n"), (W, "and more"), ("port = 80",)
    )
    yield Planted("toml", config_map(f'[db]\npassword = "{W}"\nport = 80\n'), (W,), ("port = 80",))
    yield Planted(
        "properties", config_map(f"spring.datasource.password={W}\nserver.port=80\n"), (W,), ("server.port=80",)
    )
    yield Planted("export", config_map(f"#!/bin/sh\nexport API_KEY={W}\nexec app\n"), (W,), ("exec app",))
    yield Planted("xml", config_map(f"<db><password>{W}</password><port>80</port></db>"), (W,), ("<port>80",))
    yield Planted("xml attribute", config_map(f'<add key="ApiKey" value="{W}"/>'), (W,))
    yield Planted("npmrc", config_map(f"//registry.example.com/:_authToken={W}\n"), (W,))
    yield Planted("my.cnf", config_map(f"[client]\npassword={W}#x\n"), (W,))
    yield Planted(
        "kubeconfig", config_map(f"users:\n- name: a\n  user:\n    token: {W}\n    client-key-data: {W}\n"), (W,)
    )
    yield Planted(
        "pem indented by tabs", config_map("key: |\n" + "".join(f"\t{line}\n" for line in PEM.splitlines())), (W,)
    )
    yield Planted(
        "aws credentials",
        config_map(f"[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = {W}\n"),
        (W,),
        ("AKIAIOSFODNN7EXAMPLE",),
    )
    yield Planted(
        "aws pair", config_map("AKIAIOSFODNN7EXAMPLE:wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), ("wJalrXUtnFEMI",)
    )
    yield Planted(
        "helm values",
        event({"spec": {"values": f"auth:\n  rootPassword: {W}\n  enabled: true\n"}}),
        (W,),
        ("enabled: true",),
    )
    yield Planted("encryption configuration", config_map(f"keys:\n- name: key1\n  secret: {W}\n"), (W,), ("key1",))


def _lines() -> Iterator[Planted]:
    yield Planted("dump of a variable", klog(f'"Pod" spec={{Env:[EnvVar{{Name:"DB_PASSWORD", Value:"{W}"}}]}}'), (W,))
    yield Planted(
        "dump of a member", klog(f"config &{{Host:kept Password:{W} Port:80}}"), (W,), ("Host:kept", "Port:80")
    )
    yield Planted("dump of a map", klog(f"config map[password:{W} user:kept]"), (W,), ("user:kept",))
    yield Planted("dump of headers", klog(f"headers map[Accept:[kept] X-Api-Key:[{W}]]"), (W,), ("kept",))
    yield Planted("dump quoted", klog(f'config {{Password:"{W} 1"}}'), (W,))
    yield Planted(
        "flags", klog(f'"Args" args="--token={W} --port=80" pod="shop/cart"'), (W,), ('pod="shop/cart"', "--port=80")
    )
    yield Planted(
        "logfmt",
        f'time="2026-11-20T09:00:00Z" level=info msg="bad token k8s-aws-v1.{W}" token={W} client="127.0.0.1:1"',
        (W,),
        ('client="127.0.0.1:1"',),
    )
    yield Planted("plain", f"Authorization: Bearer {W}", (W,))
    yield Planted(
        "url in an error",
        klog(f'"Failed" err="Get \\"https://s3.example.com/x?X-Amz-Signature={W}&x=kept\\": EOF"'),
        (W,),
        ("x=kept", "EOF"),
    )
    yield Planted(
        "klog json", json.dumps({"ts": 1, "v": 0, "msg": "a", "apiKey": W, "token": 48151623}), (W, "48151623")
    )
    yield Planted(
        "json in klog", klog(f'"Sent" body="{{\\"password\\":\\"{W}\\",\\"a\\":\\"kept\\"}}"'), (W,), ("kept",)
    )


def _of_kinds() -> Iterator[Planted]:
    """What planted_kinds.py tells, each with a secret of its own."""
    secrets = (f"Quittenbaum{number}x" for number in count(100))
    for (name, text, kept), secret in zip(FILES, secrets, strict=False):
        yield Planted(f"file {name}", config_map(text.replace("@@", secret)), (secret,), kept)
    for words, secret in zip(COMMANDS, secrets, strict=False):
        said = [word.replace("@@", secret) for word in words]
        quoted = " ".join(f"'{word}'" if " " in word or '"' in word else word for word in said)
        script = ["sh", "-c", f"{quoted} && echo kept"]
        asked = "&".join(f"command={quote_plus(word)}" for word in said)
        yield Planted(f"command {words}", arguments(*said), (secret,))
        yield Planted(f"command in a script {words}", event(pod({"command": script})), (secret,), ("kept",))
        yield Planted(f"command in a URI {words}", uri(f"{asked}&container=kept"), (secret,), ("container=kept",))
    for (name, text, kept), secret in zip(SCRIPTS, secrets, strict=False):
        script = ["/bin/bash", "-ec", text.replace("@@", secret)]
        yield Planted(f"script {name}", event(pod({"command": script})), (secret,), kept)
    for (name, text, kept), secret in zip(LINES, secrets, strict=False):
        line = text.replace("@@", secret)
        yield Planted(f"klog {name}", klog(line), (secret,), kept)
        yield Planted(f"zap {name}", zap(line), (secret,))
        yield Planted(f"status {name}", event(responseStatus={"code": 422, "message": line}), (secret,))
    for (name, body, kept), secret in zip(BODIES, secrets, strict=False):
        yield Planted(f"body {name}", event(json.loads(json.dumps(body).replace("@@", secret))), (secret,), kept)


HARMLESS_REFERENCES: tuple[Any, ...] = (
    {
        "volumes": [
            {
                "name": "v",
                "secret": {"secretName": "db-credentials", "defaultMode": 420, "items": [{"key": "a", "path": "b"}]},
            }
        ]
    },
    {
        "env": [
            {"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}},
            {"name": "A", "value": "b"},
        ]
    },
    {"envFrom": [{"secretRef": {"name": "db-secret"}}]},
    {"volumes": [{"projected": {"sources": [{"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}}]}}]},
    {"imagePullSecrets": [{"name": "regcred"}]},
    {"tokenSecret": {"name": "github", "key": "token"}, "tokenSecretRef": {"name": "a", "key": "b"}},
    {"tokenSecret": "github-token"},
    {"passwordPolicy": {"minLength": 8}, "passwordFile": "/etc/x", "tokenExpirationSeconds": 600},
    {
        "publicKey": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0 ada@example.com",
        "keys": 3,
        "maxTokens": 4096,
        "tokens": 17,
    },
    {"checksum/secret": "3f786850e387550fdab836ed7e6dc881de23001b9b8a9f4b3c6e0d1f2a3b4c5d"},
    {
        "rules": [
            {
                "apiGroups": [""],
                "resources": ["secrets", "serviceaccounts/token"],
                "verbs": ["get"],
                "resourceNames": ["db-password"],
            }
        ]
    },
    {"secretName": "shop-tls", "existingSecret": "db", "secretStoreRef": {"kind": "ClusterSecretStore", "name": "aws"}},
    {"automountServiceAccountToken": False, "secrets": [{"name": "robot-token-x7k2p"}]},
    {
        "openAPIV3Schema": {
            "properties": {"password": {"type": "string", "description": "password: of the database, required"}}
        }
    },
    {
        "metadata": {
            "managedFields": [{"fieldsV1": {"f:data": {"f:password": {}}, 'k:{"name":"DB_PASSWORD"}': {".": {}}}}]
        }
    },
    {
        "spec": {
            "token": "",
            "password": None,
            "apiKey": "$(API_KEY)",
            "secretKey": "${SECRET_KEY}",
            "clientSecret": "{{ .Values.x }}",
        }
    },
    {
        "topologyKey": "kubernetes.io/hostname",
        "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists"}],
    },
    {"caBundle": _b64("-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUJ0\n-----END CERTIFICATE-----\n")},
    {
        "image": "111122223333.dkr.ecr.eu-west-1.amazonaws.com/shop@sha256:" + "0a" * 32,
        "repoURL": "https://git.example.com/shop",
    },
    {
        "args": [
            "--tls-private-key-file=/etc/tls/tls.key",
            "--token-auth-file=/etc/tokens",
            "--authorization-mode=Node,RBAC",
        ]
    },
    {
        "credentialId": "x",
        "accessKeyId": "AKIAIOSFODNN7EXAMPLE",
        "tokenEndpoint": "https://a.example.com/token",
        "authType": "basic",
    },
)
HARMLESS_LINES = (
    klog('"Mounted" secret="default/my-credentials" err="invalid bearer token, try again"'),
    klog('"Unable to authenticate" err="[invalid bearer token, service account token has expired]"'),
    klog('failed to refresh token: Post "https://sts.eu-west-1.amazonaws.com/": i/o timeout'),
    klog("--authentication-token-webhook-config-file=/etc/kubernetes/kubeconfig"),
    klog('FLAG: --token-auth-file=""'),
    klog('"Synced" key="kube-system/token-cleaner" keys=3'),
    klog("Generated a new service account signing key in memory, secrets are encrypted"),
    klog('"Waiting for caches to sync" controller="token_cleaner"'),
    (
        'time="2026-11-20T09:00:00Z" level=info msg="access granted" username="viewer:password=y" '
        'arn="arn:aws:sts::111122223333:assumed-role/a/token=x"'
    ),
)


def harmless() -> Iterator[Planted]:
    """Records in which nothing is a secret, whatever they are called."""
    for number, value in enumerate(HARMLESS_REFERENCES):
        yield Planted(f"harmless {number} {next(iter(value))}", event(value))
    for number, spec in enumerate(SPECS):
        yield Planted(f"harmless spec {number}", event({"kind": "Thing", "spec": spec}))
    for name, value in ANNOTATIONS:
        yield Planted(f"harmless annotation {name}", event({"metadata": {"annotations": {name: value}}}))
    for text in HARMLESS_FILES:
        yield Planted(f"harmless file {text[:40]}", config_map(text))
    for text in SENTENCES:
        yield Planted(f"harmless klog {text[:60]}", klog(text))
        yield Planted(f"harmless error {text[:60]}", klog(f'"Failed" err={json.dumps(text)} pod="shop/cart"'))
        yield Planted(f"harmless zap {text[:60]}", zap(text))
        yield Planted(f"harmless event {text[:60]}", event({"kind": "Event", "message": text, "reason": "Failed"}))
    for line in HARMLESS_LINES:
        yield Planted(f"harmless line {line[40:80]}", line)
    names = {
        "user": {"username": "token=ada", "extra": {"sessionName": ["password=x y"]}},
        "impersonatedUser": {"username": "secret: z"},
    }
    yield Planted("harmless identity", event(**names))
    yield Planted(
        "harmless annotation", event(annotations={"authentication.k8s.io/legacy-token": "system:serviceaccount:a:b"})
    )


def main() -> int:
    """Run the command line and return its exit status."""
    parser = argparse.ArgumentParser(description="Count the planted secrets that stay readable.")
    parser.add_argument("--set", type=Path, help="a set of one's own")
    options = parser.parse_args()
    records = _read(options.set) if options.set else [*planted(), *harmless()]
    secrets = leaks = 0
    spoilt: list[str] = []
    for one in records:
        text = redact(one.record).text
        secrets += len(one.secrets)
        found = [secret for secret in one.secrets if secret in text]
        leaks += len(found)
        lost = [kept for kept in one.kept if kept not in text]
        if not one.secrets and text != one.record:
            lost.append("is no secret, and was changed")
        if found:
            print(f"readable: {one.name}\n   {text[-700:]}")
        if lost:
            spoilt.append(f"lost: {one.name}: {lost}\n   {text[-700:]}")
    print(*spoilt, sep="\n")
    print(
        f"{leaks} of {secrets} planted secrets in {len(records)} records stay readable; "
        f"{len(spoilt)} records lost what is none"
    )
    return 1 if leaks or spoilt else 0


def _read(path: Path) -> list[Planted]:
    lines = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    return [
        Planted(line["name"], line["record"], tuple(line.get("secrets", ())), tuple(line.get("kept", ())))
        for line in lines
    ]


if __name__ == "__main__":
    sys.exit(main())
