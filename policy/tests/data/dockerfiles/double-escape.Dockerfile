FROM a
RUN echo x \\
USER 1
