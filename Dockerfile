# Quoth as a service. Build: docker build -t quoth .   Run: see compose.yaml.
FROM python:3.11-slim AS build
WORKDIR /src
RUN python -m venv /opt/quoth
ENV PATH=/opt/quoth/bin:$PATH
# The CPU build: the one from PyPI brings several gigabytes of CUDA.
RUN pip install --no-cache-dir --index-url https://download.pytorch.org/whl/cpu torch==2.13.0
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY documents documents
COPY index index
COPY rag rag
COPY api api
RUN pip install --no-cache-dir --constraint constraints.txt .
# The default model is prepared once, here, so that a container starts in seconds.
RUN QUOTH_CACHE_DIR=/opt/quoth/cache quoth models --prepare

FROM python:3.11-slim
RUN useradd --uid 10001 --create-home quoth && install -d -o quoth -g quoth /data
COPY --from=build /opt/quoth /opt/quoth
ENV PATH=/opt/quoth/bin:$PATH \
    QUOTH_DATA_DIR=/data \
    QUOTH_CACHE_DIR=/opt/quoth/cache \
    QUOTH_HOST=0.0.0.0 \
    QUOTH_LOG_FORMAT=json \
    QUOTH_LOG_LEVEL=info \
    PYTHONDONTWRITEBYTECODE=1
USER quoth
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
ENTRYPOINT ["quoth"]
CMD ["serve"]
