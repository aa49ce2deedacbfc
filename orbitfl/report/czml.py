def czml_of(result):
    raise NotImplementedError
