# escape=`
FROM alpine:3.19 `
  AS win
RUN dir C:\
FROM win
