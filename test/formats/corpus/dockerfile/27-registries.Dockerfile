FROM localhost:5000/a:1
FROM [::1]:5000/a:1
FROM Registry.Example/a:1
FROM registry.example/a__b--c/d.e:1_2
