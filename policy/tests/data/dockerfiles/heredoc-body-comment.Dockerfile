FROM a
RUN <<EOF
# not a comment

x
EOF
USER 1
