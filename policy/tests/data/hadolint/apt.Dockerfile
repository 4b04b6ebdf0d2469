FROM debian:12
RUN apt-get update && apt-get install -y curl
RUN apt-get update && apt-get install curl=8.5.0-2
RUN apt-get install -y --no-install-recommends curl=8.5.0-2 git
RUN apt update && apt install -y --no-install-recommends curl=8.5.0-2 && rm -rf /var/lib/apt/lists/*
RUN apt-get -qq update \
 && apt-get -qq -y --no-install-recommends install \
      curl=8.5.0-2 \
 && rm -rf /var/lib/apt/lists/*
RUN apt-get update && apt-get install -yq --no-install-recommends ./x.deb && rm -rf /var/lib/apt/lists/*
RUN --mount=type=cache,target=/var/lib/apt --mount=type=cache,target=/var/cache/apt apt-get update && apt-get install -y --no-install-recommends jq=1.6
RUN sudo apt-get install -y --no-install-recommends jq=1.6
RUN sudo -u app true
USER app
