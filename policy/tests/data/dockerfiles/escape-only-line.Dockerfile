FROM a
\
RUN x
\
\
USER 1
