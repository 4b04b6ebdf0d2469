FROM debian:12
RUN curl -f https://example.com/x | sort > y
RUN set -o pipefail && curl -f https://example.com/x | sort > y
RUN echo x | sha256sum -c
RUN cat x || true
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
RUN curl -f https://example.com/x | sort > y
FROM debian:12
SHELL ["/bin/bash", "-c"]
RUN a | b
FROM alpine:3
SHELL ["/bin/ash", "-eo", "pipefail", "-c"]
RUN a | b
