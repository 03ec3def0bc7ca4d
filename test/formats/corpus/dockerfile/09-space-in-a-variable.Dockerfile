FROM ${BASE:-alpine 3.19}
