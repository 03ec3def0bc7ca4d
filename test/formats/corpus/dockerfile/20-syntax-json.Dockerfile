{"syntax": "example/frontend:1", "x": []}
