# escape=x
FROM a
USER 1
