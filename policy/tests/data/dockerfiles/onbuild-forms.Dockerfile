FROM a
ONBUILD RUN --mount=type=cache,target=/c ["x", "y"]
ONBUILD ENV A=b C="d e"
ONBUILD ADD --chmod=777 ["a", "/b"]
onbuild healthcheck --interval=5s CMD x
ONBUILD EXPOSE 22
ONBUILD LABEL a="b c"
ONBUILD COPY <<EOF /x
# plimsoll: except
EOF
ONBUILD VOLUME ["/a"]
