"""The OpenAPI document turned into what the docs page shows: sections of operations with their fields, answers and samples."""

from __future__ import annotations

import json
from typing import Any

SAMPLE_ID = "0b6c7a52-6f0e-4a53-9a3c-0d3f1f1b9a10"


def sections(found: dict[str, Any], public: str) -> list[dict[str, Any]]:
    """One section a tag, in the document's order."""
    schemas = found["components"]["schemas"]
    made = []
    for tag in found["tags"]:
        operations = [
            _operation(method, path, operation, schemas, public)
            for path, methods in found["paths"].items()
            for method, operation in methods.items()
            if tag["name"] in operation["tags"] and method != "head"
        ]
        made.append({"name": tag["name"], "anchor": tag["name"].lower().replace(" ", "-"), "operations": operations})
    return made


def _operation(
    method: str, path: str, operation: dict[str, Any], schemas: dict[str, Any], public: str
) -> dict[str, Any]:
    content = operation.get("requestBody", {}).get("content", {})
    example = content.get("application/json", {}).get("example")
    schema = _resolved(next(reversed(content.values()))["schema"], schemas) if content else {}
    return {
        "anchor": operation["operationId"],
        "method": method.upper(),
        "path": path,
        "summary": operation["summary"],
        "text": operation["description"],
        "needs_key": {} not in operation.get("security", [{}]),
        "parameters": [_parameter(each) for each in operation["parameters"]],
        "fields": _fields(schema),
        "answers": _answers(operation["responses"], schemas),
        "samples": _samples(method.upper(), path, example, public, bool(operation.get("security"))),
    }


def _parameter(each: dict[str, Any]) -> dict[str, Any]:
    text = each.get("description") or ("The id of a job." if each["name"] == "job_id" else "")
    return {
        "name": each["name"],
        "where": each["in"],
        "required": each["required"],
        "type": _type(each["schema"]),
        "text": text,
    }


def _fields(schema: dict[str, Any]) -> list[dict[str, Any]]:
    required = set(schema.get("required", ()))
    return [
        {"name": name, "type": _type(field), "required": name in required, "text": field.get("description", "")}
        for name, field in schema.get("properties", {}).items()
    ]


def _type(schema: dict[str, Any]) -> str:
    if schema.get("format") == "binary":
        return "file"
    kinds = [kind for kind in schema.get("anyOf", [schema]) if kind.get("type") != "null"]
    first = kinds[0] if kinds else {}
    if "enum" in first:
        return " | ".join(str(each) for each in first["enum"])
    word = first.get("type", "any")
    if "minimum" in first:
        word += f" {first['minimum']:g}–{first['maximum']:g}" if "maximum" in first else f" from {first['minimum']:g}"
    return f"{word} or text" if len(kinds) > 1 and word != "string" else word


def _answers(responses: dict[str, Any], schemas: dict[str, Any]) -> list[dict[str, Any]]:
    made = []
    for status, answer in responses.items():
        if status == "default":
            continue
        content = answer.get("content", {})
        kind, body = next(iter(content.items()), ("", {}))
        schema = _resolved(body.get("schema", {}), schemas)
        members = list(schema.get("properties", {})) if int(status) < 400 else []
        made.append({"status": status, "text": answer["description"], "content": kind, "members": members})
    return made


def _samples(method: str, path: str, example: Any, public: str, keyed: bool) -> dict[str, str]:
    url = public + path.replace("{job_id}", SAMPLE_ID).replace("{provider}", "replicate").replace("{token}", "TOKEN")
    return {
        "curl": _curl(method, url, example, keyed),
        "python": _python(method, url, example, keyed),
        "javascript": _javascript(method, url, example, keyed),
    }


def _curl(method: str, url: str, example: Any, keyed: bool) -> str:
    lines = [f"curl {'' if method == 'GET' else f'-X {method} '}{url}"]
    if keyed:
        lines.append('  -H "X-API-Key: $VIVIDFLOW_KEY"')
    if example is not None:
        lines.append('  -H "Content-Type: application/json"')
        lines.append(f"  -d '{json.dumps(example)}'")
    return " \\\n".join(lines)


def _python(method: str, url: str, example: Any, keyed: bool) -> str:
    arguments = [f'    "{url}",']
    if keyed:
        arguments.append('    headers={"X-API-Key": os.environ["VIVIDFLOW_KEY"]},')
    if example is not None:
        arguments.append(f"    json={example!r},")
    head = "import os\nimport requests\n\n" if keyed else "import requests\n\n"
    call = "\n".join([f"answer = requests.{method.lower()}(", *arguments, ")"])
    return f"{head}{call}\nanswer.raise_for_status()\nprint(answer.text)"


def _javascript(method: str, url: str, example: Any, keyed: bool) -> str:
    headers = {"X-API-Key": "process.env.VIVIDFLOW_KEY"} if keyed else {}
    lines = [f'const answer = await fetch("{url}", {{']
    if method != "GET":
        lines.append(f'  method: "{method}",')
    pairs = [f'"{name}": {value}' for name, value in headers.items()]
    if example is not None:
        pairs.append('"Content-Type": "application/json"')
    if pairs:
        lines.append(f"  headers: {{ {', '.join(pairs)} }},")
    if example is not None:
        lines.append(f"  body: JSON.stringify({json.dumps(example)}),")
    lines.append("});")
    lines.append("if (!answer.ok) throw new Error((await answer.json()).detail);")
    return "\n".join(lines)


def _resolved(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    reference = schema.get("$ref")
    return schemas[reference.rpartition("/")[2]] if reference else schema
