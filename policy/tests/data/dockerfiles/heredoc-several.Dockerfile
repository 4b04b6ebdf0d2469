FROM a
RUN <<A cat <<B
a
A
b
B
COPY <<one.txt <<two.txt /dest/
1
one.txt
2
two.txt
USER 1
