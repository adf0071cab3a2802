#!/bin/sh
# A tour of the API with curl and nothing else. It makes two short videos with the local renderer, which costs nothing.
#
#   KEY=$(.venv/bin/flask --app web_app create-key you@example.com)
#   BASE=http://127.0.0.1:8000 KEY=$KEY examples/test_api.sh
#
# Each stop says what it asks and what came; the first answer that is not as promised ends the tour with exit code 1.
set -eu

: "${BASE:?Set BASE to the address of the server, such as http://127.0.0.1:8000}"
: "${KEY:?Set KEY to an API key: flask --app web_app create-key you@example.com}"

BASE=${BASE%/}
JSON='Content-Type: application/json'
PHOTO=$(dirname "$0")/photo.jpg
ROOM=$(mktemp -d)
trap 'rm -rf "$ROOM"' EXIT
trap 'exit 130' INT TERM

# ask NAME WANTED-STATUS CURL-ARGUMENTS…: the body lands in $ROOM/body, the headers in $ROOM/head.
ask() {
    name=$1 wanted=$2
    shift 2
    printf '\n== %s\n' "$name"
    got=$(curl --silent --show-error --max-time 90 --header "X-API-Key: $KEY" \
        --output "$ROOM/body" --dump-header "$ROOM/head" --write-out '%{http_code}' "$@") || fail "the server did not answer"
    [ "$got" = "$wanted" ] || fail "answered $got and not $wanted: $(head -c 600 "$ROOM/body")"
}

fail() {
    printf 'NOT AS PROMISED: %s: %s\n' "$name" "$1" >&2
    exit 1
}

# text FIELD: the first value of a text field in the body; number FIELD: of a number; header NAME: of a header.
text() { grep -o "\"$1\" *: *\"[^\"]*\"" "$ROOM/body" | head -n 1 | sed 's/^[^:]*: *"//; s/"$//'; }
number() { grep -o "\"$1\" *: *[0-9.]*" "$ROOM/body" | head -n 1 | sed 's/^[^:]*: *//'; }
header() { tr -d '\r' <"$ROOM/head" | grep -i "^$1:" | tail -n 1 | sed 's/^[^:]*: *//'; }

# finish JOB: holds on until the job has ended, and wants it completed.
finish() {
    round=0
    while :; do
        ask "Status of $1, held until it changes (?wait=30)" 200 "$BASE/api/v1/status/$1?wait=30"
        echo "$(text status), $(number progress) %, $(text stage)"
        case $(text status) in
        completed) return ;;
        failed | cancelled) fail "the job ended $(text status): $(text error_message)" ;;
        esac
        round=$((round + 1))
        [ "$round" -lt 20 ] || fail "the job has not ended after ten minutes"
    done
}

ask "The models, and which are usable here" 200 "$BASE/api/v1/models"
grep -q '"id" *: *"local"' "$ROOM/body" || fail "there is no model called local"
echo "$(grep -o '"id" *: *"[^"]*"' "$ROOM/body" | sed 's/.*: *//' | tr '\n' ' ')"

ask "What would it cost? (nothing is created)" 200 --header "$JSON" --data '{"prompt": "A paper boat in the rain", "model": "local", "duration": 2}' \
    "$BASE/api/v1/estimate"
head -c 300 "$ROOM/body"
echo

ONCE=tour-$$-$(date +%s)
ask "A video from text, as JSON, with an Idempotency-Key" 202 --header "Idempotency-Key: $ONCE" \
    --header "$JSON" --data '{"prompt": "A paper boat in the rain", "model": "local", "duration": 2, "seed": 7}' "$BASE/api/v1/generate"
first=$(text job_id)
[ -n "$first" ] || fail "there is no job_id"
echo "job $first, $(text status)"

ask "The same again, with the same key: the same answer, no second job" 202 --header "Idempotency-Key: $ONCE" \
    --header "$JSON" --data '{"prompt": "A paper boat in the rain", "model": "local", "duration": 2, "seed": 7}' "$BASE/api/v1/generate"
[ "$(text job_id)" = "$first" ] || fail "it made another job, $(text job_id)"
[ "$(header Idempotent-Replayed)" = true ] || fail "the header Idempotent-Replayed is missing"
echo "job $(text job_id), replayed"

ask "The same key with other content is refused" 422 --header "Idempotency-Key: $ONCE" \
    --header "$JSON" --data '{"prompt": "Something else", "model": "local"}' "$BASE/api/v1/generate"
[ "$(text code)" = idempotency_key_reused ] || fail "the code is $(text code)"
text detail

ask "A video from a photograph, as multipart/form-data" 202 --form "image=@$PHOTO" \
    --form "prompt=A slow push over a mountain lake at dusk" --form model=local --form duration=4 "$BASE/api/v1/generate"
second=$(text job_id)
echo "job $second, $(text status)"

finish "$first"
finish "$second"

ask "What is in the file" 200 "$BASE/api/v1/videos/jobs/$second/metadata"
size=$(number file_size)
echo "$(text codec), $(number width)×$(number height), $(number fps) frames a second, $size bytes"

ask "The whole file" 200 "$BASE/api/v1/videos/jobs/$second/download"
[ "$(wc -c <"$ROOM/body" | tr -d ' ')" = "$size" ] || fail "the file has $(wc -c <"$ROOM/body") bytes, its metadata says $size"
tag=$(header ETag)
cp "$ROOM/body" "$ROOM/whole.mp4"
echo "$size bytes, ETag $tag"

ask "Its first hundred bytes (Range)" 206 --range 0-99 "$BASE/api/v1/videos/jobs/$second/download"
[ "$(header Content-Range)" = "bytes 0-99/$size" ] || fail "Content-Range is $(header Content-Range)"
head -c 100 "$ROOM/whole.mp4" | cmp -s - "$ROOM/body" || fail "they are not the file's first hundred bytes"
header Content-Range

ask "Nothing when it has not changed (If-None-Match)" 304 --header "If-None-Match: $tag" "$BASE/api/v1/videos/jobs/$second/download"
echo "304, no body"

ask "The still picture" 200 "$BASE/api/v1/videos/jobs/$second/thumbnail"
echo "$(header Content-Type), $(wc -c <"$ROOM/body" | tr -d ' ') bytes"

ask "A wrong value is refused with a sentence that helps" 422 --header "$JSON" --data '{"prompt": "A paper boat", "model": "local", "duration": 500}' \
    "$BASE/api/v1/generate"
[ "$(header Content-Type)" = application/problem+json ] || fail "Content-Type is $(header Content-Type)"
echo "$(text code): $(text detail)"

ask "A job that is not there, or not yours" 404 "$BASE/api/v1/status/00000000-0000-4000-8000-000000000000"
text detail

name="A wrong key is refused"
printf '\n== %s\n' "$name"
got=$(curl --silent --max-time 30 --output /dev/null --write-out '%{http_code}' --header "X-API-Key: vf_wrong" "$BASE/api/v1/jobs")
[ "$got" = 401 ] || fail "answered $got and not 401"
echo "$got"

printf '\nEverything was as promised.\n'
