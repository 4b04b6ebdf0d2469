FROM a
RUN cat \
  <<EOF \
  && y
body \
EOF
USER 1
