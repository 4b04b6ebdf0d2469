FROM debian:12
RUN apt-get update
RUN apt-get update
RUN apt install -y curl=7
USER root
