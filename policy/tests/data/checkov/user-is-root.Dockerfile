FROM debian:12
USER app
USER root
HEALTHCHECK CMD ["/usr/bin/true"]
