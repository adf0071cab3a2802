"""The OpenAPI document: valid, complete, and true to what the addresses answer."""

from __future__ import annotations

import gzip
import re
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as runs
from hypothesis.errors import Unsatisfiable
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

from api_router import ADDRESSES
from tests.api.desk import Desk


@pytest.fixture
def document(desk: Desk) -> dict:
    """The document as it is served."""
    return desk.client.get("/openapi.json").get_json()


def test_the_document_is_valid(document: dict) -> None:
    assert document["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(document).validate()


def test_every_address_of_the_table_is_in_it(document: dict) -> None:
    there = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert there >= {(row.method, row.path) for row in ADDRESSES if not row.hidden}
    assert ("HEAD", "/api/v1/videos/jobs/{job_id}/download") in there


def test_every_refusal_is_a_problem_and_every_key_is_asked_for(document: dict) -> None:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            for status, answer in operation["responses"].items():
                if status == "default" or int(status) >= 400:
                    assert method == "head" or set(answer["content"]) == {"application/problem+json"}, (path, status)
            if path.startswith("/api/v1/"):
                assert operation["security"] == [{"ApiKey": []}, {"Bearer": []}], path
                assert "401" in operation["responses"]


def test_every_operation_says_what_it_is_for(document: dict) -> None:
    ids = []
    for methods in document["paths"].values():
        for operation in methods.values():
            assert operation["summary"]
            assert operation["description"]
            ids.append(operation["operationId"])
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[a-z_]+", each) for each in ids)


EXAMPLES = 5
# A wish that fits the schema may still not fit the model, and the key that we send is always a good one.
UNFIT = (positive_data_acceptance, ignored_auth)

explore = runs(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)


def read_to_the_end(app: Any) -> Any:
    """The same application, its answers read and closed: schemathesis leaves their files open."""

    def whole(environ: Any, start_response: Any) -> list[bytes]:
        pieces = app(environ, start_response)
        try:
            return [b"".join(pieces)]
        finally:
            if hasattr(pieces, "close"):
                pieces.close()

    return whole


def test_no_generated_request_breaks_an_address_or_its_promise(desk_for: Callable[..., Desk]) -> None:
    desk = desk_for(limit_api="off", limit_reads="off", limit_anonymous="off")
    known = [desk.placed(), desk.finished().id, desk.finished(status="failed").id]
    schema = schemathesis.openapi.from_wsgi("/openapi.json", read_to_the_end(desk.app)).exclude(
        path="/readyz"
    )  # needs a worker
    reached: Counter[str] = Counter()
    statuses: Counter[int] = Counter()

    def ask(case: Any) -> None:
        label = case.operation.label
        if case.path_parameters.get("job_id") and reached[label] % 2:
            case.path_parameters["job_id"] = known[reached[label] // 2 % len(known)]
        reached[label] += 1
        answer = case.call(headers={"X-API-Key": desk.key, "Authorization": f"Bearer {desk.key}"})
        statuses[answer.status_code] += 1
        case.validate_response(answer, excluded_checks=[*UNFIT])

    for result in schema.get_all_operations():
        operation: Any = result.ok()  # pyright: ignore[reportAttributeAccessIssue]
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            strategy = operation.as_strategy(generation_mode=mode)
            run = explore(given(case=strategy)(lambda case: ask(case)))
            with suppress(Unsatisfiable):  # nothing can be wrong about a request without parameters
                run()
    assert len(reached) == len(list(schema.get_all_operations()))
    assert statuses[202] > 2
    assert statuses[422] > 20
    assert max(statuses) < 500


@pytest.mark.parametrize("path", ["/docs", "/docs/errors", "/openapi.json"])
def test_the_documents_are_packed_for_whoever_unpacks(desk: Desk, path: str) -> None:
    plain = desk.client.get(path)
    packed = desk.client.get(path, headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert plain.headers["Vary"] == packed.headers["Vary"] == "Accept-Encoding"
    assert gzip.decompress(packed.data) == plain.data
