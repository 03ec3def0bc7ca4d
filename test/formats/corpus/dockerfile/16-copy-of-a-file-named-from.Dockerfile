FROM scratch
COPY from=alpine:3.19 --from=alpine:3.19 /x
