FROM a
ONBUILD RUN x \
  y
ONBUILD COPY --from=z /a /b
ONBUILD user root
