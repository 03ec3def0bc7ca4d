ARG A=alpine:3.19
ARG B=$A
FROM $B
