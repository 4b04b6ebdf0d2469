from a as Base
run x
user 1
copy --from=base /x /y
