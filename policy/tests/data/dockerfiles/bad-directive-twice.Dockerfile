# escape=`
# escape=`
FROM a
USER 1
