ARG __proto__=alpine:3.19 constructor=debian:12
FROM $__proto__
FROM $constructor AS constructor
FROM constructor
FROM ${toString}
