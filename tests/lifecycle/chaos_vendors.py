"""What the cells of the chaos matrix must know of each vendor: its own ways to refuse an order, and to end a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.lifecycle.chaos import COMPLETED
from tests.lifecycle.vertex_matrix import EXPECTED as VEO
from tests.lifecycle.vertex_matrix import MORE as VEO_MORE

# A vendor's own ways to refuse an order or to end a run: fault → its values, the end, how often it is paid.
Own = Mapping[str, tuple[Mapping[str, Any], str, int]]
_REFUSED: Own = {
    "unauthorized": ({}, COMPLETED, 1),
    "no_credit": ({}, COMPLETED, 1),
    "rate_limited": ({"retry_after": 0}, COMPLETED, 1),
    "forbidden": ({}, "provider_forbidden", 0),
    "retired": ({}, "model_retired", 0),
    "invalid": ({}, "provider_refused_input", 0),
    "content_refused": ({}, "content_policy", 0),
}
REFUSALS: dict[str, Own] = {
    "replicate": _REFUSED,
    "gemini": _REFUSED | {"wrong_key": ({}, COMPLETED, 1), "rate_limited_in_body": ({}, COMPLETED, 1)},
    "openai": _REFUSED,
    "kling": {
        f"refused {code}": ({"code": code}, end, int(end == COMPLETED))
        for code, end in {
            **dict.fromkeys((1000, 1100, 1101, 1102, 1103, 1302, 1303, 1304), COMPLETED),
            1201: "provider_refused_input",
            1203: "model_retired",
            1301: "content_policy",
        }.items()
    },
    "vertex": {
        fault: (VEO_MORE.get(fault, {}), *VEO["submit"][fault])
        for fault in (*_REFUSED, "unknown_model")
    },
}  # fmt: skip
FATES: dict[str, Own] = {
    "replicate": {
        "nsfw_failed": ({}, "content_policy", 1),
        "oom_failed": ({}, "out_of_memory", 1),
        "failed": ({}, "provider_failed", 1),
        "aborted": ({}, "provider_cancelled", 1),
        "canceled": ({}, "provider_cancelled", 1),
        "stuck": ({}, "deadline_exceeded", 1),
        "no_output": ({}, "no_result", 1),
        "list_output": ({}, COMPLETED, 1),
        "rewritten_input": ({}, COMPLETED, 1),
    },
    "gemini": {
        "nsfw_failed": ({}, "content_policy", 1),
        "failed": ({}, "provider_failed", 1),
        "filtered": ({}, "no_result", 1),
        "filtered_with_reason": ({}, "content_policy", 1),
        "cancelled": ({}, "provider_cancelled", 1),
        "incomplete": ({}, "provider_failed", 1),
        "budget_exceeded": ({}, "provider_failed", 1),
        "stuck": ({}, "deadline_exceeded", 1),
        "inline": ({}, COMPLETED, 1),
    },
    "kling": {
        "policy_failed": ({}, "content_policy", 1),
        "failed": ({}, "provider_failed", 1),
        "failed_charged": ({}, "provider_failed", 1),
        "stuck": ({}, "deadline_exceeded", 1),
        "no_output": ({}, "no_result", 1),
        "no_units": ({}, COMPLETED, 1),
        "odd_units": ({}, COMPLETED, 1),
    },
    "openai": {
        "failed": ({}, "provider_failed", 1),
        "failed_without_code": ({}, "provider_failed", 1),
        "nsfw_failed": ({}, "content_policy", 1),
        "oom_failed": ({}, "out_of_memory", 1),
        "completed_with_error": ({}, "provider_failed", 1),
        "stuck": ({}, "deadline_exceeded", 1),
    },
    "vertex": {fault: (VEO_MORE.get(fault, {}), *expected) for fault, expected in VEO["clip"].items()},
}
# Where a result may be said to be. Nobody's link takes a job to a place that it must not go, and none breaks a step.
LINKS = {
    "a file here": "file:///etc/passwd",
    "the cloud's own address": "http://169.254.169.254/latest/meta-data",
    "another port here": "http://127.0.0.1:9/out.mp4",
    "another scheme": "ftp://films.example/out.mp4",
    "no link": "out.mp4",
    "a NUL": "https://films.example/\\u0000.mp4",
    "half a surrogate pair": "https://films.example/\\ud800.mp4",
    "10 kB long": "https://films.example/" + "x" * 10_000,
    "somebody's bucket": "gs://somebody-else/film.mp4",
}
