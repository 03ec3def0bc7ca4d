FROM scratch
ADD --from=alpine:3.19 a b
