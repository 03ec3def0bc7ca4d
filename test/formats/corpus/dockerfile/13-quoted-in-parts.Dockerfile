FROM al"pine":3.19
