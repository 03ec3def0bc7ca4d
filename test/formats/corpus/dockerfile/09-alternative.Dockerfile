ARG SLIM=1
FROM debian:12${SLIM:+-slim}
