ARG V=12
FROM debian:${V} AS one
FROM one
ARG V
RUN x
FROM scratch
COPY --from=0 / /
USER 65532:65532
