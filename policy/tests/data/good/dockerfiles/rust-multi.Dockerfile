FROM rust:1.98-slim@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 AS chef
RUN cargo install cargo-chef --version 0.1.68 --locked
WORKDIR /src

FROM chef AS planner
COPY . .
RUN cargo chef prepare --recipe-path recipe.json

FROM chef AS build
COPY --from=planner /src/recipe.json .
RUN cargo chef cook --release --recipe-path recipe.json
COPY . .
RUN cargo build --release --locked

FROM debian:12-slim@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates=20230311 libssl3 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --user-group app
COPY --from=build /src/target/release/app /usr/local/bin/app
USER 10001:10001
HEALTHCHECK --interval=10s --timeout=2s CMD ["app", "ping"]
CMD ["app", "serve"]
