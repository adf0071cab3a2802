# One image for everything: the studio and API (`python web_app.py`) and workers (`python job_queue.py`).
#   docker build -t vivid-flow . && docker run -p 127.0.0.1:8000:8000 -v vivid-flow:/data vivid-flow
FROM python:3.13-slim

ENV PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1

WORKDIR /app

COPY requirements.txt ./
RUN pip install --require-hashes -r requirements.txt

COPY . .
RUN python -m compileall -q . \
    && useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin vividflow \
    && install -d -o vividflow -g vividflow -m 0750 /data

USER vividflow
ENV DATA_DIR=/data HOST=0.0.0.0 PORT=8000
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM

HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=4 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ['PORT']}/readyz\", timeout=4)"]

# The process itself takes SIGTERM, drains and exits 0; no shell and no init stand between.
CMD ["python", "web_app.py"]
