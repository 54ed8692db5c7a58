"""The records of one cluster: how many there are in which index, and how they are deleted, those of others staying."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from eks_logs.errors import Conflict, NotProvided, Rejected
from eks_logs.opensearch.client import Client, quote
from eks_logs.opensearch.indices import ExistingIndex, read_indices
from eks_logs.opensearch.target import Target
from eks_logs.plan import Json, Step, diff_of

KIND = "records"
_NO_CLUSTER = "no cluster"
_MOST_CLUSTERS = 1000
_PAUSE_SECONDS = 1.0
_ROUNDS = 5
_PAGE = 5000
_GONE = (HTTPStatus.OK, HTTPStatus.NOT_FOUND)


@dataclass(frozen=True, slots=True)
class IndexRecords:
    """What an index holds: how many records of which cluster; `cluster_field` is None where that cannot be told."""

    index: str
    cluster_field: str | None
    total: int
    clusters: Mapping[str, int] = field(default_factory=dict)

    def others(self, cluster: str | None) -> dict[str, int]:
        """How many records are of other clusters, or of nobody knows which."""
        counted = {name: count for name, count in self.clusters.items() if name != cluster}
        unknown = self.total - sum(self.clusters.values())
        return {**counted, _NO_CLUSTER: unknown} if unknown else counted


def count_records(client: Client, indices: Iterable[ExistingIndex]) -> Iterator[IndexRecords]:
    """Count the records of open indices by cluster, those that came just now too.

    Raises:
        SetupError: they could not be counted.
    """
    for index in indices:
        if "closed" in index.refuses:
            continue
        _refresh(client, index.name)
        body: dict[str, Any] = {"size": 0, "track_total_hits": True}
        if index.cluster_field:
            body["aggs"] = {"clusters": {"terms": {"field": index.cluster_field, "size": _MOST_CLUSTERS}}}
        found = client.api.search(index=index.name, body=body)
        buckets = (found.get("aggregations") or {}).get("clusters", {}).get("buckets", ())
        counted = {str(bucket["key"]): int(bucket["doc_count"]) for bucket in buckets}
        yield IndexRecords(index.name, index.cluster_field, int(found["hits"]["total"]["value"]), counted)


def _refresh(client: Client, index: str) -> None:
    """Let what was stored be found; Serverless does so by itself, and has no request for it."""
    if not client.server().is_serverless:
        client.api.indices.refresh(index=index)


def removal_steps(counted: Iterable[IndexRecords], cluster: str, *, is_shared: bool) -> Iterator[Step]:
    """The steps that delete a cluster's records: an index as a whole only where nobody else's are in it."""
    for one in counted:
        ours, others = one.clusters.get(cluster, 0), one.others(cluster)
        if not others and (ours or not is_shared):
            title = f"delete index {one.index} ({ours} records of cluster {cluster}, none of others)"
            yield Step(KIND, title, "DELETE", f"/{one.index}", None, diff_of(dict(one.clusters), {}))
        elif ours:
            stay = ", ".join(f"{count} of {name}" for name, count in sorted(others.items()))
            yield Step(
                KIND,
                f"delete {ours} records of cluster {cluster} in index {one.index}; {stay} stay",
                "POST",
                f"/{one.index}/_delete_by_query?conflicts=proceed&refresh=true&wait_for_completion=false",
                {"query": {"term": {one.cluster_field: cluster}}},
                diff_of(dict(one.clusters), {name: count for name, count in one.clusters.items() if name != cluster}),
            )


def remove(client: Client, step: Step, cluster: str | None, say: Callable[[str], None]) -> None:
    """Take one of these steps.

    Args:
        client: The domain.
        step: One of removal_steps.
        cluster: Whose records are to go.
        say: Gets a line on what is waited for.

    Raises:
        Conflict: records of others came into an index that was to be deleted as a whole.
        Rejected: some records were not deleted.
    """
    if step.method != "DELETE":
        _delete_by_query(client, step, say)
        return
    index = step.path.removeprefix("/")
    for now in count_records(client, [one for one in read_indices(client, index) if one.name == index]):
        if now.others(cluster):
            raise Conflict(f"records of others came into index {index} meanwhile: it stays; run again")
    client.send(step)


def _delete_by_query(client: Client, step: Step, say: Callable[[str], None]) -> None:
    """Delete until nothing is left."""
    index, query = step.path.removeprefix("/").partition("/")[0], step.body
    for _ in range(_ROUNDS):
        try:
            started = client.send(step)
        except NotProvided:
            _delete_by_id(client, index, query, say)
        else:
            _run(client, str(started.get("task")), index, say)
        _refresh(client, index)
        if not client.api.count(index=index, body=query)["count"]:
            return
    raise Conflict(f"records of the cluster still come to {index}: is its function still there? Run again")


def _run(client: Client, task: str, index: str, say: Callable[[str], None]) -> None:
    """Wait for a task of the server: in the background, so that no time-out between here and there matters."""
    while not (about := client.api.tasks.get(task_id=task)).get("completed"):
        status = about.get("task", {}).get("status", {})
        say(f"deleting records in {index}: {status.get('deleted', 0)} of {status.get('total', '?')}")
        time.sleep(_PAUSE_SECONDS)
    failures = about.get("error") or (about.get("response") or {}).get("failures")
    if failures:
        raise Rejected(f"some records of {index} were not deleted: {quote(str(failures))}")


def _delete_by_id(client: Client, index: str, query: Json, say: Callable[[str], None]) -> None:
    """The same, page by page, for a server that has no `_delete_by_query`, as OpenSearch Serverless."""
    deleted = 0
    while hits := client.api.search(index=index, body={**query, "size": _PAGE, "_source": False})["hits"]["hits"]:
        actions = [{"delete": {"_index": hit["_index"], "_id": hit["_id"]}} for hit in hits]
        answer = client.api.bulk(body=actions, refresh=True)
        failed = [item["delete"] for item in answer["items"] if item["delete"]["status"] not in _GONE]
        if failed:
            raise Rejected(f"some records of {index} were not deleted: {quote(str(failed[0].get('error')))}")
        deleted += len(hits)
        say(f"deleting records in {index}: {deleted}")


def other_clusters(client: Client, target: Target) -> tuple[str, ...] | None:
    """Which other clusters have records in our indices; None where there are no records.

    If nobody said which cluster is ours, and one alone has records, it is taken for ours.

    Raises:
        SetupError: they could not be searched.
    """
    body = {"size": 0, "aggs": {"clusters": {"terms": {"field": "cluster", "size": _MOST_CLUSTERS}}}}
    indices = f"{target.index},{target.dated}"
    found = client.api.search(index=indices, body=body, ignore_unavailable=True, allow_no_indices=True)
    buckets = (found.get("aggregations") or {}).get("clusters", {}).get("buckets", ())
    names = tuple(str(bucket["key"]) for bucket in buckets)
    ours = names[0] if target.cluster is None and len(names) == 1 else target.cluster
    return tuple(name for name in names if name != ours) if names else None
