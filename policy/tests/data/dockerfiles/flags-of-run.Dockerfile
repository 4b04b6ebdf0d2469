FROM --platform=$BUILDPLATFORM a AS b
RUN --security=insecure --network=host --device=nvidia.com/gpu=all x
RUN --mount=type=secret,id=t,target=/s,required --mount=type=ssh \
  --mount=type=tmpfs,target=/m cat /s > /m/x
RUN --mount=type=secret,id=t,env="TOKEN" --mount='type=cache,target=/c d' x
COPY --chmod=4755 --chown=app:app --link --exclude=.git --exclude="a b" . /x/
COPY --parents --from=b /x/./y /z/
ADD --keep-git-dir=true --checksum=sha256:aa --unpack=false https://u:p@x/y.git#main /z/
