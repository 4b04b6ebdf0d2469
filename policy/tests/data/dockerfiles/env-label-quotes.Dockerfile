FROM a
ENV A="b c"'d' B=e\ f G= H="" I='$x' J="\"k\""
ENV PATH=.:$PATH  LD_PRELOAD="/tmp/x.so"
ENV NAME the "rest" of  the line
ENV K=1 \
    # comment
    L=2

ENV DOCKER_HOST=tcp://h:2375 M="a=b"
LABEL "com.example.a b"="c" 'd'=e f="a \
b"
LABEL g h i
ARG TOKEN
ARG A=1 B="2 3" C
