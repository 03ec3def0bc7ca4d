# escape=`
FROM scratch
RUN --moun\t=type=bind,from=alpine:3.19,target=/x true
