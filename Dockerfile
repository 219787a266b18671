# Build: docker build -t mogr .      Try: docker run --rm -p 8080:8080 mogr
# Your own: docker run --rm -p 8080:8080 -v ./mogr.toml:/etc/mogr/mogr.toml:ro mogr serve --config /etc/mogr/mogr.toml
FROM python:3.12-slim-bookworm AS build
RUN python -m venv /opt/mogr
WORKDIR /src
COPY requirements/build.txt requirements/run.txt requirements/
RUN /opt/mogr/bin/pip install --no-cache-dir --require-hashes -r requirements/build.txt \
 && /opt/mogr/bin/pip install --no-cache-dir --require-hashes -r requirements/run.txt
COPY pyproject.toml README.md LICENSE ./
COPY proxy proxy
RUN /opt/mogr/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.12-slim-bookworm
RUN apt-get update && apt-get install --yes --no-install-recommends libjemalloc2 && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --no-create-home mogr \
 && install --directory --owner=mogr --group=mogr /var/cache/mogr
COPY --from=build /opt/mogr /opt/mogr
COPY config/local.toml /etc/mogr/config/local.toml
COPY photos /etc/mogr/photos
# The admin port serves probes and Prometheus inside the cluster's network; publish 8080 only.
ENV PATH=/opt/mogr/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    MOGR_SERVER__HOST=0.0.0.0 \
    MOGR_ADMIN__HOST=0.0.0.0 \
    MOGR_CACHE__DISK__PATH=/var/cache/mogr
USER 10001
EXPOSE 8080 9090
VOLUME /var/cache/mogr
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9090/livez', timeout=2)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["mogr"]
CMD ["serve", "--config", "/etc/mogr/config/local.toml"]
