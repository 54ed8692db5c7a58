"""The questions, asked so that they are about the people and pods of events/."""

from eks_logs.questions import (
    Question,
    all_questions,
    which_calls_of_client,
    which_node_runs_pod,
    who_deleted_pod,
    who_is_behind,
)

CLUSTER_ADMIN_ROLE = "arn:aws:iam::111122223333:role/ShopPlatformAdmin"


def sample_questions() -> tuple[Question, ...]:
    """Every question, in the order of their numbers."""
    chosen = (
        which_calls_of_client("kubectl/v1.22.0"),
        which_node_runs_pod("my-app", "default"),
        who_deleted_pod("my-app", "default"),
        who_is_behind(CLUSTER_ADMIN_ROLE),
    )
    return tuple({question.number: question for question in (*all_questions(), *chosen)}.values())
