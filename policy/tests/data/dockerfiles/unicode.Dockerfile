FROM a
RUN echo 日本 \
  é # not a comment
USER üser
