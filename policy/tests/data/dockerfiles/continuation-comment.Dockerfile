FROM a
RUN x \
# comment within
  # indented comment within
  y \

  z
USER 1
