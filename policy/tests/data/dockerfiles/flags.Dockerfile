FROM --platform=linux/amd64 a AS b
RUN --mount=type=bind,from=b,target=/x --network=none x --not-a-flag
COPY --from=b --chown="1:1" /x /y
HEALTHCHECK --interval=5s --timeout=3s CMD x --flag
RUN -- x
ADD --checksum=sha256:aa https://x /y
