#!/bin/sh
# Writes the hashed locks: scripts/uv.txt, requirements.txt and requirements-dev.txt. Run it by `make lock`.
# `make lock ARGS=--upgrade` takes the newest versions that requirements*.in allow; ARGS="-P flask" only Flask's.
set -eu
cd "$(dirname "$0")/.."

lock() {
    .venv/bin/python -m uv pip compile "$1" --output-file "$2" --universal --generate-hashes --python-version 3.11 \
        --fork-strategy fewest --no-config --no-emit-index-url --no-emit-find-links --no-annotate --strip-extras --quiet \
        --custom-compile-command "make lock" ${ARGS:-}
    echo "$2: $(grep -c '==' "$2") packages"
}

lock scripts/uv.in scripts/uv.txt
lock requirements.in requirements.txt
lock requirements-dev.in requirements-dev.txt
