# The fake, for other containers: docker build -t mock-june . && docker run --rm -p 127.0.0.1:5863:5863 mock-june
FROM python:3.13-slim AS build
WORKDIR /src
COPY . .
RUN python -m venv /opt/mock-june && /opt/mock-june/bin/pip install --no-cache-dir '.[fast]'

FROM python:3.13-slim
# A number, so that Kubernetes' runAsNonRoot can tell.
RUN useradd --uid 10863 --no-create-home --shell /usr/sbin/nologin june \
    && install --directory --owner june /data
COPY --from=build /opt/mock-june /opt/mock-june
ENV PATH=/opt/mock-june/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    MOCK_JUNE_SERVE_HOST=0.0.0.0 \
    MOCK_JUNE_SERVE_LOG_FORMAT=json
USER 10863
WORKDIR /data
EXPOSE 5863
# 401: it lives, and wants the token that it printed at the start.
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=3 \
    CMD ["python", "-c", "import http.client, os; c = http.client.HTTPConnection('127.0.0.1', int(os.environ.get('MOCK_JUNE_SERVE_PORT', 5863)), timeout=2); c.request('GET', '/_mock/health'); raise SystemExit(c.getresponse().status not in (200, 401))"]
ENTRYPOINT ["mock-june"]
CMD ["serve"]
