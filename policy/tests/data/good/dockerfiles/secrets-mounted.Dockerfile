FROM node:24-alpine@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 AS build
ARG MAX_TOKENS=4096
ARG JWT_ISSUER=https://login.example.com/
ENV NPM_CONFIG_REGISTRY=https://npm.example.com/ COMPASS_BYPASS=on TOKEN_TTL=300 DB_PASSWORD_FILE=/run/secrets/db
WORKDIR /app
COPY package.json package-lock.json ./
RUN --mount=type=cache,target=/root/.npm --mount=type=secret,id=npmrc,target=/root/.npmrc npm ci
RUN --mount=type=ssh --mount=type=bind,source=known_hosts,target=/root/.ssh/known_hosts \
    wget -qO schema.tgz https://example.com/schema.tgz \
 && test "$(sha256sum schema.tgz | cut -d' ' -f1)" = e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 \
 && tar -xzf schema.tgz
COPY src src

FROM node:24-alpine@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
WORKDIR /app
COPY --from=build /app /app
USER 1000:1000
HEALTHCHECK --interval=30s --timeout=3s CMD wget -qO /dev/null http://127.0.0.1:3000/healthz || exit 1
CMD ["node", "src/main.js"]
