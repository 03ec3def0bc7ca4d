FROM {{ .Image }}
