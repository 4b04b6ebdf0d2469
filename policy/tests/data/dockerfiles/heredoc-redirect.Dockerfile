FROM a
RUN cat <<EOF > /file && x
EOFX
 EOF
EOF
USER 1
