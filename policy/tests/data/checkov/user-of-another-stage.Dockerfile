FROM debian:12 AS build
USER 1000

FROM debian:12
HEALTHCHECK CMD ["/usr/bin/true"]
