FROM golang:1.24 AS build
WORKDIR /src
COPY . .

FROM debian:latest
MAINTAINER somebody
COPY --from=build /src/app /app
ADD config.json /etc/app/
EXPOSE 22
WORKDIR opt/app
USER 1000
HEALTHCHECK CMD ["/usr/bin/true"]
