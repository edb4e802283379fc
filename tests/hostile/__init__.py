"""Bad files and folders made here, and what every command says of them: `make hostile`."""
