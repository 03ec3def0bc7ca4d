FROM scratch
COPY --from alpine:3.19 a b
