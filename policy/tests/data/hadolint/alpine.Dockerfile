FROM alpine:3.20
RUN apk add curl
RUN apk add --no-cache curl
RUN apk --no-cache add curl=8.5.0-r0
RUN apk add --no-cache --virtual .deps gcc=13 'jq>1' x~=1
RUN apk update && apk add curl=8 && rm -rf /var/cache/apk/*
RUN --mount=type=cache,target=/var/cache/apk apk add curl=8
RUN apk add --no-cache ./local.apk
USER 1000
