FROM alpine:3.24@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
RUN addgroup -g 1000 -S web && adduser -S -D -H -u 1000 -G web web
RUN set -eux; \
    apk add --no-cache --virtual .build-deps gnupg gcc libc-dev make curl; \
    curl -fsSLO https://download.example.org/web-1.27.0.tar.gz; \
    curl -fsSLO https://download.example.org/web-1.27.0.tar.gz.asc; \
    GNUPGHOME="$(mktemp -d)"; export GNUPGHOME; \
    for key in D6786CE303D9A9022998DC6CC8464D549AF75C0A 43387825DDB1BB97EC36BA5D007C8D7C15D87369; do \
      gpg --batch --keyserver hkps://keys.openpgp.org --recv-keys "$key"; \
    done; \
    gpg --batch --verify web-1.27.0.tar.gz.asc web-1.27.0.tar.gz; \
    rm -rf "$GNUPGHOME"; \
    tar -xzf web-1.27.0.tar.gz && cd web-1.27.0 && ./configure && make && make install; \
    apk del --no-network .build-deps
USER web
CMD ["web", "-g", "daemon off;"]
