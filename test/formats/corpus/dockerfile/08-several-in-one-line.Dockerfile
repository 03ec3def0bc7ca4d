ARG A=alpine:3.19 B=debian:12
FROM $A
FROM $B
