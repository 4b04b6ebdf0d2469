FROM a
USER 1
# end

