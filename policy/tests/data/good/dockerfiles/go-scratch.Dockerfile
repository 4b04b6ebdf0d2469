FROM golang:1.26-alpine@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 AS build
RUN apk add --no-cache git ca-certificates && adduser -D -u 10001 app
WORKDIR /src
COPY . .
RUN go install ./... && go build -o /app .

FROM scratch
COPY --from=build /etc/passwd /etc/passwd
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /app /app
USER app
ENTRYPOINT ["/app"]
