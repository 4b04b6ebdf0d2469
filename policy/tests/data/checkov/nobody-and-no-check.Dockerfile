FROM debian
MAINTAINER somebody
ADD app /app
EXPOSE 8080 22/tcp
WORKDIR app
CMD ["/app"]
