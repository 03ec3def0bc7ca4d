FROM scratch
COPY --chown=à--from=alpine:3.19 a b
