FROM ${BASE:?needed}
