"""Client of the REST API of an Omeka S site (3.2 and later). Knows no Flask, no database and no DSpace."""
