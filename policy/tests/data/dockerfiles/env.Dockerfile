FROM a
ENV A=b C="d e" F='g h' I=j\ k
ENV old style value
ARG X=1 Y
LABEL a=b "c d"="e f"
USER ${A:-x}
