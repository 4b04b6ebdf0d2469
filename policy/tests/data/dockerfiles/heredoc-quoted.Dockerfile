FROM a
RUN <<'EOF' cat
$x
EOF
RUN <<"E O F"
y
E O F
USER 1
