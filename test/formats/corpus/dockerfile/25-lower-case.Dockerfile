from alpine:3.19 as x
CoPy --from=debian:12 a b
