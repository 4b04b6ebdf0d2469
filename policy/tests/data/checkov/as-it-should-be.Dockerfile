FROM debian:12@sha256:0000000000000000000000000000000000000000000000000000000000000001
RUN apt-get update && apt-get install -y --no-install-recommends curl=7.88.1-10 && rm -rf /var/lib/apt/lists/*
COPY app /app
WORKDIR /app
EXPOSE 8080
USER 1000
HEALTHCHECK CMD ["/app/app", "--healthy"]
ENTRYPOINT ["/app/app"]
