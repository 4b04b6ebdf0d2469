# foo=bar
# escape=`
FROM a
RUN x `
USER y
