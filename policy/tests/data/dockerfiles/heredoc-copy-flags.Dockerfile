FROM a
COPY --chown=1:1 --chmod=755 <<EOF /x
#!/bin/sh
EOF
USER 1
