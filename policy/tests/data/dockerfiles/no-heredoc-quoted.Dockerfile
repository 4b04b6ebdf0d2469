FROM a
RUN echo '<<EOF'
RUN echo "<<EOF"
RUN echo \<<EOF
USER 1
