FROM a
EXPOSE 22 "80" 8080-8090/udp 127.0.0.1:2222:22/tcp ${PORT:-443}
EXPOSE \
  1 \
  # in between
  2
VOLUME /a "/b c" /d
VOLUME ["/a", "/b c"]
VOLUME "/var/run/docker.sock"
WORKDIR /a b/c
WORKDIR "/a b"
WORKDIR C:\\app
USER "app":'group'
STOPSIGNAL SIGTERM
