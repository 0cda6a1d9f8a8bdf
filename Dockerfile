# What runs, and nothing else. Settings are given at the start, none is in the image: docs/deploy.md
FROM python:3.11-slim
WORKDIR /app

COPY requirements.txt ./
COPY requirements-tracing.txt ./
# --build-arg TRACING=1 adds what OTEL_EXPORTER_OTLP_ENDPOINT requires
ARG TRACING
RUN pip install --no-cache-dir --disable-pip-version-check --only-binary=:all: \
    --require-hashes -r requirements.txt ${TRACING:+-r requirements-tracing.txt}

COPY *.py ./
COPY blueprints blueprints
COPY booking booking
COPY cache cache
COPY common common
COPY doctor doctor
COPY frontend/widget/dist frontend/widget/dist
COPY idempotency idempotency
COPY openapi openapi
COPY schemas schemas
COPY settings settings
COPY videsk videsk
COPY web web

# An unprivileged user, by number, so that a cluster can verify that it is not root
USER 65534:65534
EXPOSE 8000

# without the environment's HTTP proxy, which cannot reach this container's loopback
HEALTHCHECK --interval=15s --timeout=3s --start-period=10s \
    CMD ["python", "-c", "import os, urllib.request as u; u.build_opener(u.ProxyHandler({})).open('http://127.0.0.1:' + os.environ.get('PORT', '8000') + '/healthz', timeout=2)"]

CMD ["gunicorn", "app:app"]
