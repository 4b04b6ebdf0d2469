FROM alpine:3.20.3
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
