FROM scratch
ONBUILD FROM alpine:3.19
ONBUILD ONBUILD COPY --from=alpine:3.19 / /
