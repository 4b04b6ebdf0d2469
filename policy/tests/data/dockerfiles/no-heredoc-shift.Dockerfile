FROM a
RUN echo $((1<<2)) && x <<< "y"
RUN cat < <(x)
USER 1
