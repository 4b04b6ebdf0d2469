FROM alpine:3.24.1@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
RUN apk add --no-cache 'nginx=~1.26' tini=0.19.0-r3 && mkdir -p /run/nginx && chown nginx:nginx /run/nginx
COPY <<EOF /etc/nginx/http.d/default.conf
server {
  listen 8080;
  location /health { return 200; }
}
EOF
USER nginx
ENTRYPOINT ["/sbin/tini", "--"]
CMD ["nginx", "-g", "daemon off;"]
