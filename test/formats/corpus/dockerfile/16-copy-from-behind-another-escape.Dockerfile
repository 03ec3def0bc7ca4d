# escape=`
FROM scratch
COPY --chown=a` --from=alpine:3.19 a b
