FROM {{.Image}}
