# escape=`
# syntax=docker/dockerfile:1 a=b
FROM scratch
