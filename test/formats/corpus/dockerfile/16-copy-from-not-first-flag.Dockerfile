FROM scratch
COPY --link --chown=1:1 --from=alpine:3.19 a b
