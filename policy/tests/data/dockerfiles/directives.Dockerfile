# syntax=docker/dockerfile:1
# escape=`
# check=skip=all
FROM windows
RUN dir `
  c:\
USER x
