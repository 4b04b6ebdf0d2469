FROM golang:1.23-alpine AS build
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
