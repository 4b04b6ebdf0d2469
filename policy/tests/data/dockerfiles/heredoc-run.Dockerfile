FROM a
RUN <<EOF
apt-get update
USER root
EOF
USER 1
