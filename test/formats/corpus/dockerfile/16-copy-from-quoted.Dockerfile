FROM scratch
COPY --from="alpine:3.19" a b
COPY "--from=debian:12" a b
