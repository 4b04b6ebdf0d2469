FROM debian:12-slim@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 AS fetch
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
ARG TOOL_VERSION=1.2.3
ARG TOOL_SHA256=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates curl \
 && rm -rf /var/lib/apt/lists/*
RUN curl -fsSLo /tmp/tool.tar.gz "https://github.com/example/tool/releases/download/v${TOOL_VERSION}/tool.tar.gz" \
 && echo "${TOOL_SHA256}  /tmp/tool.tar.gz" | sha256sum --check --strict - \
 && tar -xzf /tmp/tool.tar.gz -C /usr/local/bin tool
ADD --checksum=sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 https://example.com/data.bin /data.bin

FROM debian:12-slim@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
COPY --from=fetch /usr/local/bin/tool /usr/local/bin/tool
COPY --from=fetch /data.bin /data.bin
USER 10001:10001
ENTRYPOINT ["tool"]
