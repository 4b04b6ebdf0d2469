FROM a
RUN python3 <<EOF
FROM = 1
print('x')
EOF
USER 1
