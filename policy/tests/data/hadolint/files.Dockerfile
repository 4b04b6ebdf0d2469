FROM debian:12 AS a
ADD . /app
ADD x y /app/
ADD rootfs.tar.xz /
ADD https://example.com/x.tgz /x.tgz
ADD app.zip /app/
HEALTHCHECK CMD /a
HEALTHCHECK CMD /b
FROM debian:12
ADD ["a", "/b"]
HEALTHCHECK CMD /a
RUN true
HEALTHCHECK NONE
HEALTHCHECK CMD /b
USER app:app
FROM debian:12
USER 1000
FROM debian:12
USER root
FROM debian:12
USER node
