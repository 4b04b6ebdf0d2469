FROM debian:12
RUN apt-get update
RUN apt install -y curl
USER 0
