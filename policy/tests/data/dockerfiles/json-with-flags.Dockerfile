FROM a
COPY --from=b ["/x y", "/z"]
RUN --mount=type=cache,target=/c ["x"]
HEALTHCHECK CMD ["x", "y"]
