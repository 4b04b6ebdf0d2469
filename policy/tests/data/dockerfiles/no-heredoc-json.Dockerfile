FROM a
RUN ["echo", "<<EOF"]
CMD <<EOF
USER 1
