ARG A=alpine
FROM ${A^^}
