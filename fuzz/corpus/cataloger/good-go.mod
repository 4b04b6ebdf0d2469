go.mod
module a/c
require a/d v1.0.0
