FROM a
CMD ["a", "b c"]
ENTRYPOINT [ "x" ]
RUN ['single']
RUN ["a" "b"]
VOLUME ["/a","/b"]
CMD []
CMD ["a"] trailing
RUN [ ! -e /x ] || y
CMD ["\u0041","\n"]
