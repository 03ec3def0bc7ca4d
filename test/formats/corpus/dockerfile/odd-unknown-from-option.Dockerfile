FROM --pull=always alpine:3.19
