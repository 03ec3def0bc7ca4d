ARG V=v3.19-rc1
FROM alpine:${V#v}
FROM alpine:${V%%-*}
FROM alpine:${V%-*}
